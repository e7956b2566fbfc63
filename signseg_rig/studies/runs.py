"""Run records as recorded data: what the neurons of a rig answered to the images of its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from signseg_rig.datasets import DataProblem, ImageSet, RecordedData, drop_incomplete
from signseg_rig.datasets.checks import require_no_errors
from signseg_rig.datasets.completeness import Incomplete
from signseg_rig.datasets.image_sets import Load
from signseg_rig.datasets.problems import listed
from signseg_rig.datasets.room import require_room
from signseg_rig.datasets.trials import Window
from signseg_rig.errors import DataSetError, PictureError, RecordError
from signseg_rig.experiment import WindowSettings, read_experiment
from signseg_rig.records import RunReader
from signseg_rig.records.schema import DATABASE_NAME
from signseg_rig.values import FloatArray, ImageArray, PassPlan, PlannedStimulus, ResponseBatch

# References are shown in every block; more showings than this, spread over all runs, say no more of
# an image, and would be room for as many of each evolved one.
MAX_REPEATS = 20
N_HASH_DIGITS = 16


def is_run(path: Path) -> bool:
    """Return whether a path is the folder of a run record."""
    return (path / DATABASE_NAME).is_file()


def read_runs(
    paths: Sequence[Path],
    *,
    response_window_s: Window | None = None,
    baseline_window_s: Window | None = None,
    units: Sequence[str] | None = None,
    incomplete: Incomplete | None = None,
) -> RecordedData:
    """Read the answers of one run or several as a data set.

    An image is known by its pixels, and by its place on the screen where there are several: what
    was shown in more than one run is one image. Images are in the order in which they were first
    shown.

    Parameters
    ----------
    paths : sequence of Path
        Folders of run records, in the order of recording.
    response_window_s, baseline_window_s : (start, end), in seconds from the onset, optional
        Count again in these windows; by default rates are those that the runs counted.
    units : sequence of str, optional
        The names of those that matter; all by default.
    incomplete : {"units", "images"}, optional
        What is left out where a unit has no trial of an image; by default it is an error.

    Returns
    -------
    data : RecordedData
        With a baseline for every trial. Of an image that was shown more than 20 times there are 20
        showings, evenly spread.

    Raises
    ------
    RecordError
        A record cannot be read, or does not hold what other windows need.
    DataSetError
        There is no valid answer, or the runs are of other units.
    """
    answers = _Answers()
    sources: dict[str, Path] = {}
    session: dict[str, str] = {}
    for path in paths:
        with RunReader.open(path) as reader:
            session[path.name] = str(path)
            windows = _windows(path, response_window_s, baseline_window_s)
            for plan, responses in _responses(reader, windows):
                answers.add(plan, responses, path)
                sources |= {one.pixels_sha256: path for one in plan.stimuli}
    data = answers.data(sources, session)
    data = replace(
        data,
        response_window_s=response_window_s,
        baseline_window_s=baseline_window_s,
    )
    if units is not None:
        data = data.select(units=units)
    if incomplete is not None:
        data = drop_incomplete(data, incomplete)
    require_no_errors(data)
    return data


def _windows(
    path: Path, response_window_s: Window | None, baseline_window_s: Window | None
) -> WindowSettings | None:
    """Return the windows to count in; None where those of the run are wanted."""
    if response_window_s is None and baseline_window_s is None:
        return None
    given = {"evoked_s": response_window_s, "baseline_s": baseline_window_s}
    own = read_experiment(path / "experiment.toml").windows
    return own.model_copy(update={name: one for name, one in given.items() if one is not None})


def _responses(
    reader: RunReader, windows: WindowSettings | None
) -> Iterator[tuple[PassPlan, ResponseBatch]]:
    if windows is not None:
        yield from reader.recount(windows)
        return
    for one in reader.passes():
        parts = one.parts if one.responses is None else (one.responses,)
        if parts:
            yield one.plan, ResponseBatch.joined(parts)


class _Answers:
    """Trials by image, gathered run by run."""

    def __init__(self) -> None:
        self._unit_names: tuple[str, ...] | None = None
        self._first: Path | None = None
        self._trials: dict[str, list[tuple[FloatArray, FloatArray]]] = {}
        self._stimuli: dict[str, PlannedStimulus] = {}

    def add(self, plan: PassPlan, responses: ResponseBatch, path: Path) -> None:
        self._check_units(responses.unit_names, path)
        for row in np.flatnonzero(responses.is_valid):
            stimulus = plan.stimuli[responses.stimulus_index[row]]
            name = f"{stimulus.pixels_sha256}@{stimulus.placement}"
            self._stimuli.setdefault(name, stimulus)
            trial = (responses.evoked_hz[row], responses.baseline_hz[row])
            self._trials.setdefault(name, []).append(trial)

    def data(self, sources: dict[str, Path], session: dict[str, str]) -> RecordedData:
        if not self._trials or self._unit_names is None:
            raise DataSetError(
                f"There is no valid answer to any image in {listed(session.values())}. See their "
                "reports for the reasons ('signseg-rig report')."
            )
        n_repeats = min(MAX_REPEATS, max(map(len, self._trials.values())))
        shape = (len(self._unit_names), len(self._trials), n_repeats)
        require_room((2, *shape), 8, "The table of all trials")
        rates, baselines = np.full(shape, np.nan), np.full(shape, np.nan)
        n_cut = 0
        for column, trials in enumerate(self._trials.values()):
            n_cut += len(trials) > MAX_REPEATS
            kept = np.linspace(0, len(trials) - 1, min(len(trials), n_repeats)).round().astype(int)
            for repeat, number in enumerate(kept):
                rates[:, column, repeat], baselines[:, column, repeat] = trials[number]
        ids = self._ids()
        keys = tuple(one.pixels_sha256 for one in self._stimuli.values())
        return RecordedData(
            rates_hz=rates,
            baseline_hz=baselines,
            image_ids=ids,
            unit_ids=self._unit_names,
            images=RunImages(ids, keys, records=sources),
            session={"source": ", ".join(session.values())},
            reader_problems=_told_of(n_cut),
        )

    def _ids(self) -> tuple[str, ...]:
        """Name images so that people know them: by file or thread, and by their hash."""
        counts: dict[str, int] = {}
        ids = []
        for one in self._stimuli.values():
            label = one.label or f"{one.thread} {one.generation}-{one.index}"
            name = f"{label} {one.pixels_sha256[:N_HASH_DIGITS]}"
            counts[name] = counts.get(name, 0) + 1
            ids.append(name if counts[name] == 1 else f"{name} at place {counts[name]}")
        return tuple(ids)

    def _check_units(self, unit_names: tuple[str, ...], path: Path) -> None:
        if self._unit_names is None:
            self._unit_names, self._first = unit_names, path
        elif self._unit_names != unit_names:
            raise DataSetError(
                f"The units of {path} ({listed(unit_names)}) are others than those of "
                f"{self._first} ({listed(self._unit_names)}). Fit runs of the same units together."
            )


def _told_of(n_cut: int) -> tuple[DataProblem, ...]:
    if not n_cut:
        return ()
    sentence = (
        f"{n_cut} images were shown more than {MAX_REPEATS} times; of each, {MAX_REPEATS} showings "
        "are used, evenly spread over the runs."
    )
    return (DataProblem(sentence, is_error=False),)


@dataclass(frozen=True, eq=False)
class RunImages(ImageSet):
    """Images in run records, known by the hashes of their pixels.

    Parameters
    ----------
    records : mapping of sha256 to Path
        Folder of the run record that holds each.
    """

    records: dict[str, Path]

    @property
    def source(self) -> str:
        """The records."""
        return listed(dict.fromkeys(map(str, self.records.values())))

    def _opened(self) -> AbstractContextManager[Load]:
        return _opened_records(self.records)


@contextmanager
def _opened_records(records: dict[str, Path]) -> Iterator[Load]:
    with ExitStack() as stack:
        readers: dict[Path, RunReader] = {}

        def load(key: str) -> ImageArray:
            path = records[key]
            if path not in readers:
                readers[path] = stack.enter_context(RunReader.open(path))
            try:
                return readers[path].image(key)
            except RecordError as error:
                raise PictureError(str(error)) from error

        yield load
