"""Study a sweep: read its results, measure its images, compare its conditions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from signseg_rig.errors import NeuronModelError
from signseg_rig.interfaces import Network
from signseg_rig.neurons import NeuronModels, describe_readout, describe_signs
from signseg_rig.sweeps.comparison import Comparison, Table
from signseg_rig.sweeps.devices import on_devices_here
from signseg_rig.sweeps.measurement import Number, SweepImages, measure_sweep
from signseg_rig.sweeps.settings import SweepSettings, read_sweep
from signseg_rig.sweeps.software import Software, used_software


@dataclass(frozen=True, slots=True, eq=False)
class SweepStudy:
    """What is known of a sweep.

    Parameters
    ----------
    images : SweepImages
    network : mapping
        Identity of the network whose features its units read.
    numbers : sequence of Number
    described : mapping of str to mapping
        How each metric computes, by its name.
    table : Table
    comparisons : sequence of Comparison
    software : sequence of mapping of package to version
        What its results were computed with; more than one where that changed meanwhile.
    signs : str
        In sentences, whether what the units read can be negative.
    """

    images: SweepImages
    network: Mapping[str, str | int | float]
    numbers: Sequence[Number]
    described: Mapping[str, Mapping[str, str | float]]
    table: Table
    comparisons: Sequence[Comparison]
    software: Sequence[Software] = ()
    signs: str = ""

    @property
    def settings(self) -> SweepSettings:
        """The settings of the sweep, where it lies now."""
        return self.images.settings


def study_sweep(
    folder: Path,
    *,
    on_progress: Callable[[int, int], None] = lambda _n_done, _n_all: None,
    on_warning: Callable[[str], object] = warnings.warn,
) -> SweepStudy:
    """Study a sweep, which may still be going on.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    on_progress : callable
        Called with the numbers of units that are measured and that there are.
    on_warning : callable
        Told in a sentence where the sweep was computed on devices that this machine lacks.

    Raises
    ------
    SweepError
        It has no result yet, or one is damaged.
    ConfigError
        A metric cannot measure such images, or no other network judges them.
    """
    settings = read_sweep(folder / "sweep.toml").model_copy(
        update={"out_dir": folder.absolute().parent, "name": folder.absolute().name}
    )
    images = SweepImages.read(settings)
    here, replaced = on_devices_here(settings)
    if replaced:
        places = ", ".join(f"{device} (here {other})" for device, other in replaced.items())
        on_warning(
            f"The sweep names devices that are not here: {places}. Its results are as they are; "
            "what is measured of their images may differ in the last digits from what it would be "
            "there."
        )
    network: Network = here.network.load()(here.network.settings)
    numbers, described = measure_sweep(images, network.identity, on_progress=on_progress)
    table = Table(numbers)
    return SweepStudy(
        images=images,
        network=dict(network.identity),
        numbers=numbers,
        described=described,
        table=table,
        comparisons=[one for measure in table.measures for one in table.comparisons(measure)],
        software=used_software(folder, images.software),
        signs=_signs_read(settings, network),
    )


def _signs_read(settings: SweepSettings, network: Network) -> str:
    if settings.neurons is None:
        return describe_readout(network)
    try:
        told = describe_signs(NeuronModels.load(settings.neurons).signs)
    except NeuronModelError:
        # Results are read where the models need not lie any more.
        told = (
            "Whether what the neuron models read can be below 0 cannot be told: "
            f"{settings.neurons} cannot be read here."
        )
    anyway = " It was done all the same, as signed_features_anyway asked."
    return told + (anyway if settings.signed_features_anyway else "")
