"""Which sweeps may be pooled: those of different networks, made and measured alike."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from signseg_rig.datasets import open_images
from signseg_rig.errors import ConfigError
from signseg_rig.records import differences
from signseg_rig.settings import PluginChoice, Settings
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.sweeps.study import SweepStudy
from signseg_rig.sweeps.tasks import COMPUTED_BY
from signseg_rig.weights import file_sha256, used_weights
from signseg_rig.wording import first_few

# A network that sees images at another size is the same network.
SEEN_AT = frozenset({"input_size_px", "preprocessing"})
# Of no result, or shown elsewhere.
UNLISTED = frozenset({"name", "out_dir", "traits"})
# As `differences` writes what is a list of plugins.
JUDGES = ".networks["
N_SHOWN = 8
SEPARATOR = ", "

Table = dict[str, Any]


def require_poolable(studies: Mapping[str, SweepStudy]) -> None:
    """Refuse sweeps that are no independent observations of the same thing.

    Each has to be of another network, or of the neuron models of another file. Alike have to be
    what makes images (the generator, the optimizer, its generations), what is ablated (the readout,
    neuron models, or a hidden layer, judged by the same images) and what measures images, by its
    settings and the contents of its weight files. All else may differ: see `settings_that_differ`.

    Parameters
    ----------
    studies : mapping of str to SweepStudy
        By the names of the sweeps.

    Raises
    ------
    ConfigError
        Two sweeps cannot be pooled; the message names them, and why.
    """
    observed = {name: _observed(study) for name, study in studies.items()}
    required = {name: _required(study.settings) for name, study in studies.items()}
    for first, second in itertools.combinations(studies, 2):
        if observed[first] == observed[second]:
            raise ConfigError(
                f"The sweeps {first!r} and {second!r} are of {_what(studies[first])}: pooled, they "
                "would count as two. Leave one out; to have the units and repeats of both, put "
                "them into one sweep."
            )
        if differing := differences(required[first], required[second]):
            raise ConfigError(_unlike(first, second, differing))


def settings_that_differ(studies: Mapping[str, SweepStudy]) -> dict[str, dict[str, object]]:
    """List what sweeps differ in, of their settings and of the software they were computed with.

    Parameters
    ----------
    studies : mapping of str to SweepStudy
        By the names of the sweeps.

    Returns
    -------
    settings : dict of str to dict of str to object
        By the dotted name of the setting, and by the name of the sweep.
    """
    tables = {name: _listed(study) for name, study in studies.items()}
    first = next(iter(tables.values()))
    found: dict[str, dict[str, object]] = {}
    for name, table in tables.items():
        for key, (value, other) in differences(first, table).items():
            found.setdefault(key, dict.fromkeys(tables, value))[name] = other
    return {key: _shortened(values) for key, values in sorted(found.items())}


def _observed(study: SweepStudy) -> object:
    """Return what is one observation among several: a network, or the neuron models of a file."""
    neurons = study.settings.neurons
    network = {key: value for key, value in study.network.items() if key not in SEEN_AT}
    return network, neurons and file_sha256(neurons)


def _what(study: SweepStudy) -> str:
    kind = study.network.get("kind", "the same identity")
    if study.settings.neurons is not None:
        return f"the neuron models of one file, read from {kind}"
    weights = str(study.network.get("weights_sha256", "without weights"))
    return f"one network, {kind} ({weights if ' ' in weights else weights[:12]})"


def _unlike(first: str, second: str, differing: Mapping[str, tuple[object, object]]) -> str:
    pairs = [f"{key} ({one} and {other})" for key, (one, other) in differing.items()]
    remedy = "Evolve both with the same settings, or report them one at a time."
    if all(key.startswith(("metrics.", "weights of metrics.")) for key in differing):
        remedy = (
            "Give both the same metrics in their sweep.toml, for which nothing is evolved anew, or "
            "report them one at a time."
        )
    if any(JUDGES in key for key in differing):
        remedy += " One list of judges does for all: a network does not judge its own images."
    return (
        f"The sweeps {first!r} and {second!r} cannot be pooled, as they differ in "
        f"{first_few(pairs, N_SHOWN)}. {remedy}"
    )


def _required(settings: SweepSettings) -> Table:
    """Return what has to be the same in sweeps that are pooled."""
    parts = {"generator": settings.generator, "optimizer": settings.optimizer} | {
        f"metrics.{name}": choice for name, choice in settings.metrics.items()
    }
    weights = {name: sorted(used_weights(choice).values()) for name, choice in parts.items()}
    table: Table = {
        "what is ablated": "the readout" if settings.neurons is None else "neuron models",
        "n_generations": settings.n_generations,
        **{name: _table(choice, _is_how_or_where) for name, choice in parts.items()},
        **{f"weights of {name}": _digest(hashes) for name, hashes in weights.items() if hashes},
    }
    if settings.hidden is not None:
        table["what is ablated"] = "a hidden layer"
        table["hidden.scope"] = settings.hidden.scope
        table["contents of hidden.images"] = _digest(
            sorted(open_images(settings.hidden.images).sha256)
        )
    return table


def _listed(study: SweepStudy) -> Table:
    versions: dict[str, dict[str, None]] = {}
    for software in study.software:
        for name, version in software.items():
            versions.setdefault(name, {})[version] = None
    return {
        **_table(study.settings, lambda key, _value: key in UNLISTED),
        "software": {name: ", ".join(own) for name, own in versions.items()},
    }


def _table(value: object, is_left_out: Callable[[str, object], bool]) -> Any:
    """Return settings as tables of plain values: lists of these as text, nothing that is None."""
    if isinstance(value, PluginChoice):
        return {"kind": value.kind, **_table(value.settings, is_left_out)}
    if isinstance(value, Settings | Mapping):
        items = value.items() if isinstance(value, Mapping) else value
        return {
            key: _table(item, is_left_out)
            for key, item in items
            if item is not None and not is_left_out(key, item)
        }
    if isinstance(value, list | tuple):
        if any(isinstance(item, PluginChoice | Settings) for item in value):
            return [_table(item, is_left_out) for item in value]
        return SEPARATOR.join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def _shortened(values: dict[str, object]) -> dict[str, object]:
    """Cut long lists, unless it is behind the cut that they differ."""
    short = {name: _short(value) for name, value in values.items()}
    return short if len(set(short.values())) == len(set(values.values())) else values


def _short(value: object) -> object:
    return first_few(value.split(SEPARATOR), N_SHOWN) if isinstance(value, str) else value


def _is_how_or_where(key: str, value: object) -> bool:
    """Return what changes nothing: how something is computed, and where a file lies."""
    return key in COMPUTED_BY or (isinstance(value, Path) and value.is_file())


def _digest(hashes: list[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:12]
