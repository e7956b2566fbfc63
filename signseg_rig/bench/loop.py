"""Preloading, turn-around and memory of a real loop with a real display process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil

from signseg_rig.bench.figure import Figure, in_ms
from signseg_rig.experiment import Experiment, write_experiment
from signseg_rig.interfaces import Protocol, ProtocolContext, ProtocolSteps
from signseg_rig.optimizers import make_optimizer
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.run.blocks import BlockMaker
from signseg_rig.run.control import RunControl
from signseg_rig.run.log import OptimizerLog
from signseg_rig.run.loop import Loop
from signseg_rig.run.rig import Lease, Rig
from signseg_rig.seeds import named_rng
from signseg_rig.settings import PluginChoice, Settings
from signseg_rig.testing.in_process import Reaction
from signseg_rig.testing.synthetic import (
    LinearGenerator,
    LinearGeneratorSettings,
    PixelPopulationSettings,
    PixelSource,
)
from signseg_rig.values import (
    Durations,
    Placement,
    ProtocolResult,
    RunStatus,
    Shown,
    Stimulus,
    StimulusBatch,
    Told,
    View,
    array_sha256,
)
from signseg_rig.wire.link import DisplayLink

N_IMAGES = 40
IMAGE_SIZE_PX = 256
N_TURNAROUNDS = 100
N_MEMORY_BLOCKS = 1000
# As many spikes as there are in the usual 200 ms of a presentation, in the shorter one here.
DENSE_HZ = 50.0
PRESENTATION_S = 0.2
PORT = 5599


class PlainEvolution(Protocol):
    """One thread of CMA-ES without references: the least that a block can be.

    Parameters
    ----------
    context : ProtocolContext
    n_generations : int
    """

    Config = Settings

    def __init__(self, context: ProtocolContext, n_generations: int) -> None:
        self.n_blocks = n_generations
        self._log = context.log
        self._n_dims = context.generators["linear"].n_dims

    def steps(self) -> ProtocolSteps:
        """Take the steps; see `Protocol.steps`."""
        optimizer = make_optimizer("cma_es", n_dims=self._n_dims, seed=1, n_codes=N_IMAGES)
        for generation in range(self.n_blocks):
            codes = optimizer.ask()
            stimuli = tuple(
                Stimulus("evolved", "bench", generation, index, "linear", code)
                for index, code in enumerate(codes)
            )
            (responses,) = yield (StimulusBatch(stimuli),)
            scores = responses.stimulus_means(N_IMAGES, subtract_baseline=True)[:, 0]
            optimizer.tell(codes, scores)
            self._log(Told("bench", generation, scores))
        return ProtocolResult(is_success=True, columns=(), rows=())


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What a benchmark of the loop works with."""

    loop: Loop
    record: RunRecord
    link: DisplayLink


def preload_figures() -> list[Figure]:
    """Measure 40 images of 256 x 256 from the loop to the display's acknowledgement."""
    rng = np.random.default_rng(0)
    durations_s = []
    with open_bench(n_generations=1, pacing="realtime") as bench:
        bench.link.wait_until_connected(lambda: True)
        for _ in range(30):
            shape = (N_IMAGES, IMAGE_SIZE_PX, IMAGE_SIZE_PX, 3)
            images = rng.integers(0, 256, shape, dtype=np.uint8)
            block = {View(array_sha256(image), Placement()): image for image in images}
            start_s = time.perf_counter()
            bench.link.preload(block)
            durations_s.append(time.perf_counter() - start_s)
    values_s = np.array(durations_s[3:])
    return [
        Figure(
            f"preload of {N_IMAGES} images {IMAGE_SIZE_PX}x{IMAGE_SIZE_PX}, loop to acknowledged",
            float(np.median(values_s)) * 1e3,
            40.0,
            "ms",
            in_ms(values_s),
        )
    ]


def turnaround_figures() -> list[Figure]:
    """Measure from the last offset of a block to the first onset of the next.

    With two units that hardly fire, and with a whole array of them, whose recording is written.
    """
    figures, medians_s = [], []
    for n_units, is_dense in ((2, False), (96, True)):
        with open_bench(
            n_generations=N_TURNAROUNDS + 1, pacing="realtime", n_units=n_units, is_dense=is_dense
        ) as bench:
            bench.loop.run()
            rest_s = turnarounds_s(bench.record.reader)
        medians_s.append(float(np.median(rest_s)))
        detail = f"rendering and waiting for the animal taken off; {in_ms(rest_s)}"
        if is_dense:
            detail += f"; {medians_s[-1] / medians_s[0]:.2f} times that of two units"
        spikes = f"{n_units} units x {DENSE_HZ:g} Hz" if is_dense else f"{n_units} quiet units"
        name = f"turn-around of a block of {N_IMAGES}, {spikes} recorded, synchronous=FULL"
        figures += [
            Figure(f"{name}, median", medians_s[-1] * 1e3, 60.0, "ms", detail),
            Figure(f"{name}, p99", float(np.quantile(rest_s, 0.99)) * 1e3, 120.0, "ms", detail),
        ]
    return figures


def turnarounds_s(reader: RunReader) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the turn-arounds of a run without rendering and waiting for responses.

    Parameters
    ----------
    reader : RunReader

    Returns
    -------
    durations_s : (n_blocks - 1,) float array, in seconds
    """
    shown = [one.shown for one in reader.passes() if one.shown and one.plan.attempt == 0]
    # The timing note of a block tells what was spent between the block before and this one.
    taken_off = {
        int(note.body["block"]): note.body.get("render_s", 0.0) + note.body.get("source_s", 0.0)
        for note in reader.notes("timing")
    }
    return np.array(
        [
            after[0].onset_s - before[-1].offset_s - taken_off[number]
            for number, (before, after) in enumerate(pairwise(shown), start=1)
        ]
    )


def memory_figures() -> list[Figure]:
    """Measure how much the loop's process grows over 1,000 blocks."""
    process = psutil.Process()
    size_after: dict[int, int] = {}

    def on_status(status: RunStatus) -> None:
        if status.block not in size_after:
            size_after[status.block] = process.memory_info().rss

    with open_bench(
        n_generations=N_MEMORY_BLOCKS, pacing="fast", image_size_px=64, on_status=on_status
    ) as bench:
        bench.loop.run()
    sizes = [size for block, size in sorted(size_after.items()) if block > 0]
    settled = np.array(sizes[N_MEMORY_BLOCKS // 10 :]) / 2**20
    growth = float(np.median(settled[-50:]) - np.median(settled[:50]))
    return [
        Figure(
            f"growth of the loop's process over {N_MEMORY_BLOCKS} blocks of {N_IMAGES} images",
            growth,
            20.0,
            "MB",
            f"from {settled[:50].mean():.0f} MB after a tenth of the blocks to "
            f"{settled[-50:].mean():.0f} MB at the end",
        )
    ]


@contextmanager
def open_bench(
    *,
    n_generations: int,
    pacing: str,
    image_size_px: int = IMAGE_SIZE_PX,
    n_units: int = 2,
    is_dense: bool = False,
    on_status: Callable[[RunStatus], None] = lambda _status: None,
) -> Iterator[Bench]:
    """Open a loop with a display process beside it, for as long as the context lasts.

    Parameters
    ----------
    n_generations : int
    pacing : {"realtime", "fast"}
        Of the display.
    image_size_px : int
    n_units : int
    is_dense : bool
        Whether they fire all the time.
    on_status : callable
    """
    experiment = _experiment(pacing)
    settings = LinearGeneratorSettings(n_dims=64, image_size_px=image_size_px)
    generators = {"linear": LinearGenerator(settings)}
    text = write_experiment(experiment)
    # Only the display process reads the file; the animal needs no weights.
    rig = Rig(
        experiment.model_copy(
            update={"response_source": _SourceChoice.make(n_units, is_dense=is_dense)}
        )
    )
    stimulus = experiment.stimulus
    blocks = BlockMaker(
        seed=0,
        generators=generators,
        pixels=rig.pixels,
        placement=Placement(stimulus.position_deg, stimulus.size_deg),
        durations=Durations(stimulus.on_ms, stimulus.off_ms),
    )
    log = OptimizerLog()
    context = ProtocolContext(
        seed=0, generators=generators, unit_names=rig.foreseen_units or (), log=log
    )
    with tempfile.TemporaryDirectory(prefix="signseg-rig-bench-") as folder:
        path = Path(folder) / "run"
        with (
            RunRecord.create(path, experiment_toml=text, manifest={}) as record,
            rig.open(path, rig_id="bench"),
            rig.lend(Lease(record.note, lambda _key: None, lambda: True)),
        ):
            loop = Loop(
                experiment,
                protocol=PlainEvolution(context, n_generations),
                log=log,
                blocks=blocks,
                rig=rig,
                record=record,
                control=RunControl(),
                on_status=on_status,
            )
            yield Bench(loop, record, rig.link)


class _DenseSource(PixelSource):
    """Fires all the time, too."""

    def react(self, shown: Shown) -> Reaction:
        reaction = super().react(shown)
        rng = named_rng(0, "dense", shown.presentation_id)
        spikes_s = rng.random((len(self.unit_names), round(DENSE_HZ * PRESENTATION_S))) * 0.03
        return replace(reaction, spontaneous_s=list(spikes_s))


class _SourceChoice(PluginChoice):
    """Chooses a source without an entry point."""

    @classmethod
    def make(cls, n_units: int, *, is_dense: bool) -> Self:
        """Choose one of so many units."""
        settings = PixelPopulationSettings(n_units=n_units)
        kind = "dense" if is_dense else "pixels"
        return cls(group="response_sources", kind=kind, settings=settings)

    def load(self) -> Any:
        return _DenseSource if self.kind == "dense" else PixelSource


def _experiment(pacing: str) -> Experiment:
    """Only the display process reads this; protocol and source are made in Python."""
    return Experiment.model_validate(
        {
            "run": {"name": "bench"},
            "wire": {"address": f"tcp://127.0.0.1:{PORT}"},
            "display": {"kind": "headless", "pacing": pacing},
            "stimulus": {"on_ms": 17, "off_ms": 17},
            "invalid_trials": {"reject_dropped_frames": False},
            "response_source": {
                "kind": "simulated",
                "population": {"kind": "readout_population", "units": ["any"]},
            },
            "generators": {"linear": {"kind": "dcgan_faces"}},
            "protocol": {
                "kind": "evolution",
                "n_generations": 1,
                "references": {"kind": "random_codes", "generator": "linear"},
                "threads": [
                    {
                        "name": "bench",
                        "generator": "linear",
                        "optimizer": {"kind": "cma_es"},
                        "score": {"kind": "channel", "unit": "unit_0"},
                    }
                ],
            },
        }
    )
