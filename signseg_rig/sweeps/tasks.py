"""The tasks of a sweep: one evolution each, with a key of what decides its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from signseg_rig.settings import PluginChoice
from signseg_rig.signs import Condition, list_conditions
from signseg_rig.sweeps.files import SweepFiles, hash_files
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.weights import named_files

# These change the last bits of a result, and not what it is.
COMPUTED_BY = frozenset({"device", "batch_size"})


@dataclass(frozen=True, slots=True)
class Task:
    """One evolution.

    Parameters
    ----------
    unit : str
    condition : Condition
    repeat : int
        Of a random control also which of its draws.
    key : str
        sha256 of all settings, weight files and images that the result depends on; it is also the
        result's name. Versions of software are not in it, but stand in the result.
    network : str
        What names the network, or the neuron models that read it, among the sources of chance.
    """

    unit: str
    condition: Condition
    repeat: int
    key: str
    network: str = ""

    @property
    def search_stream(self) -> tuple[str | int, ...]:
        """The name of the random numbers of its search.

        They are the same for every condition, so that what differs between these is the ablation
        alone; not for other networks, which are to be independent observations.
        """
        return "optimizer", self.network, self.unit, self.repeat

    @property
    def control_stream(self) -> tuple[str | int, ...]:
        """The name of the random numbers by which the weights of a control are chosen."""
        return "control", self.network, self.unit, *self.condition.words, self.repeat


def conditions(settings: SweepSettings) -> Iterator[Condition]:
    """List the conditions of a sweep, in the order of `list_conditions`."""
    return list_conditions(
        settings.signs, settings.strengths, settings.control_strengths, settings.controls
    )


def n_evolutions(settings: SweepSettings, condition: Condition) -> int:
    """Return how often a unit is evolved under a condition: repeats, or draws of a control."""
    return settings.n_control_draws if condition.is_random else settings.n_repeats


def list_tasks(settings: SweepSettings, files: SweepFiles | None = None) -> list[Task]:
    """List the tasks of a sweep.

    No model is loaded for it, only files are hashed: to find that nothing is left to do takes no
    time.

    The type of device counts among what a result depends on: a graphics card rounds otherwise than
    a CPU, and a search amplifies that. Continued on the other, a sweep begins anew.

    Parameters
    ----------
    settings : SweepSettings
    files : SweepFiles, optional
        Those of the settings; hashed now where they are not given.

    Raises
    ------
    WeightsMissingError, WeightsError, NeuronModelError, DataSetError, PictureError
        A file is missing, or cannot be read; see `hash_files`.
    """
    files = files or hash_files(settings)
    network = network_words(settings, files)
    hidden = settings.hidden
    common = {
        "network": _relevant(settings.network),
        "generator": _relevant(settings.generator),
        "optimizer": _relevant(settings.optimizer),
        "weights": sorted(files.weights.values()),
        "neurons": files.neurons,
        "n_generations": settings.n_generations,
        "seed": settings.seed,
        "streams": "of each network its own",  # once they were shared by all networks
        "hidden": hidden
        and {
            "layer": hidden.layer,
            "scope": hidden.scope,
            "images": files.images,
            "controls": "matched in contribution",  # once they were matched in weight
        },
    }
    return [
        Task(
            *(unit, condition, repeat),
            key=_key({**common, "unit": unit, "repeat": repeat}, condition),
            network=network,
        )
        for condition in conditions(settings)
        for unit in settings.units
        for repeat in range(n_evolutions(settings, condition))
    ]


def network_words(settings: SweepSettings, files: SweepFiles) -> str:
    """Return what names a network among the sources of chance: its settings and its weights.

    Where and how it is computed is left out, so that it names the same streams there.
    """
    table = _relevant(settings.network)
    content = {
        "network": {key: value for key, value in table.items() if key not in COMPUTED_BY},
        "weights": files.network_weights,
        "neurons": files.neurons,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{settings.network.kind} {digest}"


def _relevant(choice: PluginChoice) -> dict[str, Any]:
    """Return the table of a plugin, without where its files lie: their contents count elsewhere."""
    left_out = named_files(choice.settings)
    table = {key: value for key, value in choice.to_table().items() if key not in left_out}
    if "device" in table:
        # "cuda:1" computes as "cuda:0" does, given one kind of card.
        table["device"] = table["device"].partition(":")[0]
    return table


def _key(content: dict[str, Any], condition: Condition) -> str:
    # Spelled out, as finished results lie under these keys: a new field must not rename them all.
    table = {
        "sign": condition.sign,
        "strength": condition.strength,
        "control": condition.control,
    }
    text = json.dumps({**content, **table}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
