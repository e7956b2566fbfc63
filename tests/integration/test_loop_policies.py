"""What the loop does when not all goes well: invalid trials, silence, wishes, changed files."""

import datetime as dt
import json
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from PIL import Image
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.errors import (
    DisplayError,
    RecordError,
    ReplayMismatchError,
    ResponseError,
    RigError,
    RunStopped,
    SafeguardError,
)
from signseg_rig.experiment import Experiment, WireSettings
from signseg_rig.interfaces import SimulatorContext
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.report.run_content import gather
from signseg_rig.report.run_figures import best_labels, draw_curves
from signseg_rig.run.control import RunControl
from signseg_rig.run.session import Outcome, resume_run, start_run
from signseg_rig.testing.synthetic import (
    LinearGenerator,
    LinearGeneratorSettings,
    PixelPopulation,
    PixelPopulationSettings,
)
from signseg_rig.values import InvalidReason, ResponseBatch, RunStatus, Shown

README = Path(__file__).parents[2] / "README.md"
N_GENERATIONS = 3
N_PRESENTATIONS = 20  # two threads of 8 codes, and 4 references
Table = dict[str, Any]
OnStatus = Callable[[RunStatus], None]

RECORDING_SYSTEMS = """
    from dataclasses import replace
    from pathlib import Path
    from typing import Literal

    import numpy as np

    from signseg_rig.seeds import named_rng
    from signseg_rig.testing.in_process import SAMPLE_RATE_HZ
    from signseg_rig.testing.synthetic import PixelPopulationSettings, PixelSource
    from signseg_rig.values import InvalidReason, SyncEvents
    from signseg_simulators.source import SimulatedSource, SimulatedSourceSettings


    class FaultySettings(SimulatedSourceSettings):
        fault: Literal[
            "still",
            "still after a pause",
            "behind",
            "unplugged",
            "distracted",
            "distracted at first",
            "distracted always",
            "halfway",
            "resorted",
            "dead",
            "dead within a block",
        ]
        mended: str  # once there is a file of this path, the fault is mended


    class Faulty(SimulatedSource):
        "A recording system that fails from the second block on."

        Config = FaultySettings

        def __init__(self, settings, context):
            super().__init__(settings, context)
            self._fault, self._mended = settings.fault, Path(settings.mended)
            self._block = None
            if self._fault == "resorted" and self._mended.exists():
                self.unit_names = (*self.unit_names[:-1], "another")

        @classmethod
        def foreseen_unit_names(cls, settings):
            return None

        def begin(self, plan):
            super().begin(plan)
            goes_on, self._block = plan.block == self._block, plan.block
            fault = self._fault
            if fault in ("still after a pause", "dead within a block") and not goes_on:
                fault = None
            if fault == "halfway" and plan.attempt > 0:
                fault = None
            if (plan.block == 0 or self._mended.exists()) and fault != "distracted always":
                fault = None
            self._now_wrong = fault
            self._n_to_come, self._limit_s = len(plan.presentations), np.inf
            self._n_seen = 0

        def saw(self, shown):
            super().saw(shown)
            at_s = self._latest[0] / SAMPLE_RATE_HZ
            self._n_seen += 1
            if self._now_wrong == "behind" and self._n_seen == 1:
                self._limit_s = at_s
            if self._now_wrong == "halfway" and self._n_to_come - self._n_seen == 9:
                self._limit_s = at_s + 0.01

        def react(self, shown):
            reaction = super().react(shown)
            wrong = self._now_wrong
            is_broken = wrong in ("distracted", "distracted always")
            is_broken = is_broken or (wrong == "distracted at first" and self._n_seen < 5)
            if is_broken:
                stretch = (0.01, 0.05, InvalidReason.FIXATION_BROKEN)
                return replace(reaction, invalid=[stretch])
            return reaction

        def poll(self):
            chunk = super().poll()
            wrong = getattr(self, "_now_wrong", None)
            if chunk is None or wrong in ("still", "still after a pause"):
                return None
            if wrong in ("behind", "dead", "dead within a block"):
                nothing = np.empty(0)
                chunk = replace(chunk, spike_units=nothing.astype(int), spike_times_s=nothing)
            if wrong == "unplugged":
                chunk = replace(chunk, sync=SyncEvents.none())
            return replace(chunk, complete_until_s=min(chunk.complete_until_s, self._limit()))

        def _limit(self):
            return getattr(self, "_limit_s", np.inf)


    class LateSettings(SimulatedSourceSettings):
        tells_units: bool


    class Late(SimulatedSource):
        "A recording system that knows its units only once it is connected."

        Config = LateSettings

        def __init__(self, settings, context):
            super().__init__(settings, context)
            self._tells_units = settings.tells_units

        @classmethod
        def foreseen_unit_names(cls, settings):
            return None

        def start(self):
            info = super().start()
            return info if self._tells_units else None

        def ground_truth(self):
            return {}


    class ExactSettings(PixelPopulationSettings):
        invalid_share: float


    class Exact(PixelSource):
        "Neurons without noise; an invalid presentation comes with a rate that is far too good."

        Config = ExactSettings

        def __init__(self, settings, context):
            super().__init__(settings, context)
            self._share = settings.invalid_share

        def react(self, shown):
            reaction = super().react(shown)
            if named_rng(0, shown.presentation_id).random() < self._share:
                stretch = (0.01, 0.05, InvalidReason.FIXATION_BROKEN)
                return replace(reaction, invalid=[stretch])
            return reaction
"""


@pytest.fixture(scope="module", autouse=True)
def recording_systems(
    tmp_path_factory: pytest.TempPathFactory, synthetic_plugins: Path
) -> Iterator[None]:
    """Install the response sources "faulty" and "exact"."""
    folder = tmp_path_factory.mktemp("recording_systems")
    (folder / "odd_recording_systems.py").write_text(textwrap.dedent(RECORDING_SYSTEMS))
    info = folder / "odd_recording_systems-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-systems\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[signseg_rig.response_sources]\n"
        "faulty = odd_recording_systems:Faulty\nexact = odd_recording_systems:Exact\n"
        "late = odd_recording_systems:Late\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


class Rig:
    """Runs experiments in this thread, with a display in another; keeps every status."""

    def __init__(self, folder: Path, start_display: Callable[[Experiment], Any]) -> None:
        self.folder = folder
        self.control = RunControl()
        self.statuses: list[RunStatus] = []
        self.display: Any = None
        self._start_display = start_display

    def run(
        self,
        table: Table,
        name: str = "run",
        *,
        is_attended: bool = False,
        on_status: OnStatus | None = None,
        on_display: Callable[[Any], None] = lambda _display: None,
    ) -> Outcome:
        experiment = Experiment.model_validate(table)
        self._begin(experiment)
        self.control.is_attended = is_attended
        on_display(self.display)
        return start_run(
            experiment,
            path=self.folder / name,
            control=self.control,
            on_status=self._collector(on_status),
        )

    def resume(self, name: str = "run", *, has_display: bool = True) -> Outcome:
        path = self.folder / name
        text = (path / "experiment.toml").read_text()
        self._begin(Experiment.model_validate(tomllib.loads(text)) if has_display else None)
        return resume_run(path, control=self.control, on_status=self._collector(None))

    def begin_display(self, experiment: Experiment) -> Any:
        self.display = self._start_display(experiment)
        return self.display

    def toggle_pause(self) -> None:
        self.control.toggle_pause()

    def stop(self) -> None:
        self.control.stop()

    def states(self) -> list[str]:
        return [state for state, _ in groupby(status.state for status in self.statuses)]

    def _begin(self, experiment: Experiment | None) -> None:
        self.control = RunControl()
        self.statuses.clear()
        if experiment is not None and not experiment.run.starts_display:
            self.begin_display(experiment)

    def _collector(self, on_status: OnStatus | None) -> OnStatus:
        def collect(status: RunStatus) -> None:
            self.statuses.append(status)
            if on_status is not None:
                on_status(status)

        return collect


@pytest.fixture
def rig(tmp_path: Path, start_display: Callable[[Experiment], Any]) -> Rig:
    return Rig(tmp_path, start_display)


@pytest.fixture
def table(wire: WireSettings, experiment_of: Callable[..., Table]) -> Table:
    """An experiment whose display is a thread of the test."""
    made = experiment_of(wire, n_generations=N_GENERATIONS)
    made["run"]["starts_display"] = False
    made["response_source"]["invalid_share"] = 0.0
    return made


@pytest.fixture
def slow_table(table: Table) -> Table:
    """On a screen that takes its time: a wish comes well before the block is over."""
    table["display"]["pacing"] = "realtime"
    table["monitor"]["refresh_rate_hz"] = 200.0
    table["stimulus"] = {"on_ms": 30.0, "off_ms": 30.0}
    table["windows"] = {"evoked_s": [0.015, 0.045], "baseline_s": [0.0, 0.015]}
    table["invalid_trials"] = {"reject_dropped_frames": False}
    table["response_source"]["spiking"] = {
        "baseline_hz": 0.0,
        "latency_s": 0.015,
        "response_duration_s": 0.03,
    }
    return table


def faulty(table: Table, fault: str, folder: Path) -> Table:
    source = table["response_source"]
    source |= {"kind": "faulty", "fault": fault, "mended": str(folder / "mended")}
    return table


def mend(folder: Path) -> None:
    (folder / "mended").touch()


def story(path: Path) -> list[tuple[Any, ...]]:
    """All that decides about a run: what was planned, what was answered, what was told."""
    with RunReader.open(path) as reader:
        passes = [
            (
                one.plan,
                one.responses and one.responses.reasons,
                one.responses and one.responses.evoked_hz.tobytes(),
                one.responses and one.responses.baseline_hz.tobytes(),
            )
            for one in reader.passes()
        ]
        told = [(one.thread, one.generation, one.scores.tobytes()) for one in reader.told()]
        return [*passes, *told, (reader.result() is not None,)]


def answers(path: Path) -> dict[int, list[ResponseBatch]]:
    """The responses to every block, pass by pass."""
    found: dict[int, list[ResponseBatch]] = {}
    with RunReader.open(path) as reader:
        for one in reader.passes():
            assert one.responses is not None
            found.setdefault(one.plan.block, []).append(one.responses)
    return found


def times_shown(path: Path) -> dict[int, int]:
    """How many presentations were confirmed by the display how often, in all sessions together."""
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        bodies = connection.execute("SELECT body FROM events WHERE kind = 'shown'").fetchall()
    reports = [item for (body,) in bodies for item in json.loads(body)["shown"]]
    return dict(Counter(Counter(item["presentation_id"] for item in reports).values()))


def notes(path: Path, topic: str) -> list[Any]:
    with RunReader.open(path) as reader:
        return [note.body for note in reader.notes(topic)]


def once(condition: Callable[[RunStatus], bool], act: Callable[[], None]) -> OnStatus:
    """Act on the first status for which a condition holds."""
    waiting = [act]

    def on_status(status: RunStatus) -> None:
        if waiting and condition(status):
            waiting.pop()()

    return on_status


def is_within(block: int, n_shown: int) -> Callable[[RunStatus], bool]:
    return lambda status: (
        (status.state, status.block, status.n_shown)
        == (
            "running",
            block,
            n_shown,
        )
    )


def wait_within(block: int) -> Callable[[Any], None]:
    """Have a display wait in the middle of a block, when first asked for it, until told to halt.

    However slow the loop is, its wish comes before the block is over.
    """

    def on_display(display: Any) -> None:
        process = display.process
        presenter = process._presenter
        step = presenter.step
        asked: list[Any] = []

        def step_when_wanted() -> Any:
            items = presenter._items
            if presenter._showing is None and items and items[0].id.startswith(f"b{block:05d}"):
                asked.append(process._orders)
                if asked[0] is process._orders and len(asked) == N_PRESENTATIONS // 2:
                    while process._orders is not None and presenter._items:
                        process._take(process._client.poll(0.1))
            return step()

        presenter.step = step_when_wanted

    return on_display


# Pause and stop


def test_moment_that_is_marked_by_key_is_noted(rig: Rig, table: Table) -> None:
    mark = once(is_within(block=1, n_shown=5), lambda: rig.control.press("n"))
    rig.run(table, on_status=mark)
    (body,) = notes(rig.folder / "run", "person")
    assert body["block"] == 1
    assert dt.datetime.fromisoformat(body["at_utc"]).tzinfo is not None


def test_pause_within_a_block_changes_nothing(rig: Rig, table: Table) -> None:
    pause = once(is_within(block=1, n_shown=5), rig.toggle_pause)
    go_on = once(lambda status: status.state == "paused", rig.toggle_pause)

    def on_status(status: RunStatus) -> None:
        pause(status)
        go_on(status)

    rig.run(table, "paused", on_status=on_status, on_display=wait_within(1))
    assert rig.states() == ["waiting", "running", "paused", "running", "ending", "finished"]
    (paused,) = {status for status in map(_place, rig.statuses) if status[0] == "paused"}
    assert 5 <= paused[2] < N_PRESENTATIONS
    rig.run(table, "untouched")
    assert story(rig.folder / "paused") == story(rig.folder / "untouched")


def _place(status: RunStatus) -> tuple[str, int, int]:
    return status.state, status.block, status.n_shown


def test_keys_at_the_display_pause_and_go_on(
    rig: Rig, slow_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[str] = []

    def press() -> None:
        monkeypatch.setattr(
            rig.display.screen, "pressed_keys", lambda: [pressed.pop()] if pressed else []
        )
        pressed.append("p")

    pause = once(lambda status: status.n_shown == 3 and status.block == 0, press)

    def on_status(status: RunStatus) -> None:
        pause(status)
        if status.state == "paused" and not pressed:
            pressed.append("p")

    rig.run(slow_table, on_status=on_status)
    assert "paused" in rig.states()
    assert rig.states()[-1] == "finished"


def test_run_stopped_in_a_pause_is_resumed_as_if_nothing_had_been(rig: Rig, table: Table) -> None:
    pause = once(is_within(block=1, n_shown=5), rig.toggle_pause)

    def on_status(status: RunStatus) -> None:
        pause(status)
        if status.state == "paused":
            rig.stop()

    with pytest.raises(RunStopped, match=r"stopped in block 1\..*signseg-rig resume"):
        rig.run(table, "stopped", on_status=on_status, on_display=wait_within(1))
    assert rig.states()[-2:] == ["paused", "stopped"]
    with RunReader.open(rig.folder / "stopped") as reader:
        *_, last = reader.passes()
        assert last.responses is None
        assert 5 <= len(last.shown) < N_PRESENTATIONS
        (part,) = last.parts
        assert part.presentation_ids == tuple(item.presentation_id for item in last.shown)
    rig.resume("stopped")
    assert times_shown(rig.folder / "stopped") == {1: N_GENERATIONS * N_PRESENTATIONS}
    assert rig.states() == ["waiting", "replaying", "waiting", "running", "ending", "finished"]
    assert rig.statuses[-1].block == rig.statuses[-1].n_blocks == N_GENERATIONS
    rig.run(table, "untouched")
    assert story(rig.folder / "stopped") == story(rig.folder / "untouched")


def test_what_a_stop_within_a_block_has_shown_is_read_and_not_shown_again(
    rig: Rig, table: Table
) -> None:
    with pytest.raises(RunStopped):
        rig.run(
            table,
            "stopped",
            on_status=once(is_within(block=1, n_shown=5), rig.stop),
            on_display=wait_within(1),
        )
    with RunReader.open(rig.folder / "stopped") as reader:
        *_, last = reader.passes()
        (part,) = last.parts
        assert 5 <= len(part.presentation_ids) == len(last.shown) < N_PRESENTATIONS
        assert part.is_valid.all()
    rig.resume("stopped")
    assert times_shown(rig.folder / "stopped") == {1: N_GENERATIONS * N_PRESENTATIONS}
    rig.run(table, "untouched")
    assert story(rig.folder / "stopped") == story(rig.folder / "untouched")


def test_what_was_read_before_a_pause_outlives_an_error_after_it(
    rig: Rig, table: Table, tmp_path: Path
) -> None:
    pause = once(is_within(block=1, n_shown=5), rig.toggle_pause)
    go_on = once(lambda status: status.state == "paused", rig.toggle_pause)

    def on_status(status: RunStatus) -> None:
        pause(status)
        go_on(status)

    faulty(table, "still after a pause", tmp_path)
    with pytest.raises(ResponseError, match="clock stands still"):
        rig.run(table, "failed", on_status=on_status, on_display=wait_within(1))
    mend(tmp_path)
    with RunReader.open(rig.folder / "failed") as reader:
        *_, last = reader.passes()
        assert last.responses is None
        assert 5 <= len(last.parts[0].presentation_ids) < len(last.shown) == N_PRESENTATIONS
    rig.resume("failed")
    rig.run(table, "untouched")
    assert story(rig.folder / "failed") == story(rig.folder / "untouched")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_second_signal_stops_within_a_presentation(tmp_path: Path, table: Table) -> None:
    table["run"]["starts_display"] = True
    table["display"]["pacing"] = "realtime"
    table["stimulus"] = {"on_ms": 60_000.0}
    file, path = tmp_path / "long.toml", tmp_path / "run"
    file.write_text(tomli_w.dumps(table))
    with subprocess.Popen(
        [sys.executable, "-m", "signseg_rig", "run", str(file), "--run-dir", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            # Written when the display has its orders.
            while not (path / "run.sqlite").exists() or not notes(path, "timing"):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            while "once more stops at once" not in (line := process.stdout.readline()):
                assert line
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 4, output
    said = " ".join(output.split())
    assert "stopped at once" in said
    assert "signseg-rig resume" in said
    with RunReader.open(path) as reader:
        (begun,) = reader.passes()
        assert (begun.shown, begun.responses) == ((), None)


# Invalid trials


@pytest.mark.parametrize(("policy", "max_attempts"), [("repeat", 3), ("repeat", 1), ("drop", 3)])
def test_scores_belong_to_their_codes_whatever_is_invalid(
    rig: Rig, table: Table, policy: str, max_attempts: int
) -> None:
    table["response_source"] = {"kind": "exact", "n_units": 2, "invalid_share": 0.6}
    table["invalid_trials"] = {"policy": policy, "max_attempts": max_attempts}
    rig.run(table)
    n_passes = max_attempts if policy == "repeat" else 1
    dropped = set()
    for block, passes in answers(rig.folder / "run").items():
        assert len(passes) <= n_passes
        for before, after in pairwise(passes):
            invalid = [
                name.removesuffix(f"-a{number}")
                for name, is_valid in zip(before.presentation_ids, before.is_valid, strict=True)
                for number in [name.rpartition("-a")[2]]
                if not is_valid
            ]
            again = [name.rpartition("-a")[0] for name in after.presentation_ids]
            assert sorted(again) == sorted(invalid)
        last = passes[-1]
        assert len(passes) == n_passes or last.is_valid.all()
        dropped |= {(block, int(index)) for index in last.stimulus_index[~last.is_valid]}
    assert dropped
    n_invalid = sum(
        int((~one.is_valid).sum())
        for passes in answers(rig.folder / "run").values()
        for one in passes
    )
    assert rig.statuses[-1].n_invalid == n_invalid
    assert _wrong_scores(rig.folder / "run", dropped) == []


def _wrong_scores(path: Path, dropped: set[tuple[int, int]]) -> list[Any]:
    """Compare what was told with what the noiseless animal answers to each code's own image."""
    generator = LinearGenerator(LinearGeneratorSettings(n_dims=12))
    animal = PixelPopulation(PixelPopulationSettings(), SimulatorContext(seed=0))
    wrong = []
    with RunReader.open(path) as reader:
        told = {(one.thread, one.generation): one.scores for one in reader.told()}
        for one in reader.passes():
            if one.plan.attempt:
                continue
            codes = reader.codes(one.plan)["linear"]
            for position, stimulus in enumerate(one.plan.stimuli):
                if stimulus.role != "evolved":
                    continue
                unit = int(stimulus.thread.removeprefix("thread_"))
                rate_hz = animal.rates_hz(generator.render(codes[position][None]))[0, unit]
                expected = round(rate_hz * 0.1) / 0.15  # spikes within the window of 150 ms
                if (one.plan.block, position) in dropped:
                    expected = np.nan
                score = told[stimulus.thread, stimulus.generation][stimulus.index]
                if not np.isclose(score, expected, equal_nan=True):
                    wrong.append((stimulus, score, expected))
    return wrong


def test_incomplete_windows_are_repeated_and_never_0_hz(
    rig: Rig, table: Table, tmp_path: Path
) -> None:
    rig.run(faulty(table, "halfway", tmp_path))
    for block, passes in answers(rig.folder / "run").items():
        counts = Counter(passes[0].reasons)
        if block == 0:
            assert counts == {None: N_PRESENTATIONS}
            continue
        assert counts == {None: 10, InvalidReason.WINDOW_INCOMPLETE: 10}
        assert np.isnan(passes[0].evoked_hz[~passes[0].is_valid]).all()
        assert len(passes[1].reasons) == 10
        assert passes[1].is_valid.all()


def test_units_that_are_known_only_once_the_source_is_started(rig: Rig, table: Table) -> None:
    table["response_source"] |= {"kind": "late", "tells_units": True}
    stop = once(is_within(block=1, n_shown=5), rig.stop)
    with pytest.raises(RunStopped):
        rig.run(table, on_status=stop, on_display=wait_within(1))
    rig.resume()
    assert answers(rig.folder / "run")[2][0].unit_names == ("unit_0", "unit_1")


def test_source_that_never_tells_its_units_is_an_error(tmp_path: Path, table: Table) -> None:
    table["response_source"] |= {"kind": "late", "tells_units": False}
    experiment = Experiment.model_validate(table)
    with pytest.raises(ResponseError, match=r"Late was started and does not tell its units"):
        start_run(experiment, path=tmp_path / "run", control=RunControl(), on_status=lambda _: None)


# What cannot be trusted


@pytest.fixture
def many_units(table: Table) -> Table:
    """As many as make the silence of all of them no chance."""
    table["response_source"]["population"]["n_units"] = 32
    return table


def is_told_of_0_hz(path: Path) -> bool:
    with RunReader.open(path) as reader:
        return any((one.scores == 0).all() for one in reader.told())


def test_dead_headstage_pauses_the_run_and_once_mended_the_block_is_shown_again(
    rig: Rig, many_units: Table, tmp_path: Path
) -> None:
    path = rig.folder / "run"

    def on_status(status: RunStatus) -> None:
        if status.state == "paused":
            assert "No spike on any of 32 units during 20 presentations of block 1" in status.alarm
            mend(tmp_path)
            rig.toggle_pause()

    outcome = rig.run(faulty(many_units, "dead", tmp_path), is_attended=True, on_status=on_status)
    first, again = answers(path)[1]
    assert Counter(first.reasons) == {InvalidReason.RECORDING_SILENT: N_PRESENTATIONS}
    assert np.isnan(first.evoked_hz).all()
    assert again.is_valid.all()
    assert not is_told_of_0_hz(path)
    assert rig.states().count("paused") == 1
    assert rig.statuses[-1].alarm == ""
    assert outcome.n_valid == N_GENERATIONS * N_PRESENTATIONS
    (alarm,) = outcome.alarms
    (note,) = notes(path, "safeguard")
    assert note == {
        "block": 1,
        "safeguard": "silent_recording",
        "action": "pause",
        "reason": alarm,
    }


def test_dead_headstage_ends_a_run_that_nobody_attends_and_it_is_resumed(
    rig: Rig, many_units: Table, tmp_path: Path
) -> None:
    path = rig.folder / "run"
    with pytest.raises(SafeguardError, match=r"No spike .* Nobody is at a terminal") as caught:
        rig.run(faulty(many_units, "dead", tmp_path))
    assert "signseg-rig resume" in "".join(caught.value.__notes__)
    assert rig.states()[-1] == "failed"
    before = story(path)
    with pytest.raises(SafeguardError, match="No spike"):  # it is still dead
        rig.resume()
    assert len(answers(path)[1]) == 2
    mend(tmp_path)
    rig.resume()
    assert [one.is_valid.any() for one in answers(path)[1]] == [False, False, True]
    assert story(path)[:2] == before[:2]
    assert not is_told_of_0_hz(path)


def test_headstage_that_dies_in_a_pause_is_found_and_replayed_alike(
    rig: Rig, many_units: Table, tmp_path: Path
) -> None:
    """What was answered before the pause stays; what came after it is shown again."""
    many_units["safeguards"] = {"silent_recording": "warn"}
    pause = once(is_within(block=1, n_shown=5), rig.toggle_pause)
    go_on = once(lambda status: status.state == "paused", rig.toggle_pause)

    def on_status(status: RunStatus) -> None:
        pause(status)
        go_on(status)
        if status.block == 2:
            mend(tmp_path)
            rig.stop()

    faulty(many_units, "dead within a block", tmp_path)
    with pytest.raises(RunStopped):
        rig.run(many_units, on_status=on_status, on_display=wait_within(1))
    with RunReader.open(rig.folder / "run") as reader:
        first = reader.find_pass(1, 0)
    assert first is not None
    assert first.responses is not None
    assert set(first.responses.reasons) == {None, InvalidReason.RECORDING_SILENT}
    rig.resume()
    assert not is_told_of_0_hz(rig.folder / "run")


@pytest.mark.parametrize("action", ["stop", "warn"])
def test_run_without_a_valid_presentation_says_so(
    rig: Rig, table: Table, tmp_path: Path, action: str
) -> None:
    table["invalid_trials"] = {"policy": "drop"}
    table["safeguards"] = {"no_valid_presentation": action}
    faulty(table, "distracted", tmp_path)
    if action == "stop":
        with pytest.raises(SafeguardError, match=r"None of the 20 .* block 1 .*'stop'"):
            rig.run(table)
        return
    outcome = rig.run(table)
    assert outcome.n_valid == N_PRESENTATIONS  # of the first block
    assert len(outcome.alarms) == N_GENERATIONS - 1
    assert "None of the 20" in rig.statuses[-1].alarm


@pytest.mark.parametrize("n_frames", [0, 1])
def test_image_that_was_shown_too_short_is_shown_again(
    rig: Rig, table: Table, n_frames: int
) -> None:
    def hasten(display: Any) -> None:
        step = display.process._presenter.step

        def step_some_too_short() -> Any:
            report = step()
            is_short = isinstance(report, Shown) and "-s00" in report.presentation_id
            if is_short and report.presentation_id.endswith("-a0"):
                return replace(report, n_frames=n_frames)
            return report

        display.process._presenter.step = step_some_too_short

    rig.run(table, on_display=hasten)
    for first, again in answers(rig.folder / "run").values():
        assert Counter(first.reasons) == {None: 10, InvalidReason.SHOWN_TOO_SHORT: 10}
        assert again.is_valid.all()
    assert {note["safeguard"] for note in notes(rig.folder / "run", "safeguard")} == {
        "wrong_duration"
    }


@pytest.mark.parametrize(
    ("action", "said"),
    [("pause", "Nobody is at a terminal"), ("warn", "No presentation of this run was valid")],
)
def test_exit_code_tells_of_a_run_without_valid_presentations(
    rig: Rig, tmp_path: Path, table: Table, action: str, said: str
) -> None:
    table["invalid_trials"] = {"policy": "drop"}
    table["safeguards"] = {"no_valid_presentation": action}
    faulty(table, "distracted always", tmp_path)
    file = tmp_path / "bad.toml"
    file.write_text(tomli_w.dumps(table))
    rig.begin_display(Experiment.model_validate(table))
    result = CliRunner().invoke(app, ["run", str(file), "--run-dir", str(tmp_path / "bad")])
    assert result.exit_code == 5, result.output
    assert said in " ".join(result.output.split())


# What ends a run with an error, and how it goes on


@pytest.mark.parametrize(
    ("fault", "policy", "sentence"),
    [
        ("still", "drop", "clock stands still at"),
        ("behind", "repeat", "data end before the first response window"),
        ("unplugged", "repeat", "no edge during 20 presentations"),
        ("distracted", "abort", r"20 of 20 .* block 1 are invalid: fixation broken \(20\)"),
    ],
)
def test_fault_ends_the_run_and_once_mended_nothing_is_missing(
    rig: Rig, table: Table, tmp_path: Path, fault: str, policy: str, sentence: str
) -> None:
    table["invalid_trials"] = {"policy": policy}
    with pytest.raises(ResponseError, match=sentence) as caught:
        rig.run(faulty(table, fault, tmp_path), "mended-later")
    assert "signseg-rig resume" in "".join(caught.value.__notes__)
    assert rig.states()[-1] == "failed"
    with RunReader.open(rig.folder / "mended-later") as reader:
        first, second = reader.passes()
        assert first.responses is not None
        assert second.responses is None  # neither 0 Hz nor anything else
        assert {one.generation for one in reader.told()} == {0}
        aborted = [note.body for note in reader.notes("aborted")]
    assert aborted == ([{"block": 1, "fixation broken": 20}] if policy == "abort" else [])
    mend(tmp_path)
    rig.resume("mended-later")
    rig.run(table, "untouched")
    assert story(rig.folder / "mended-later") == story(rig.folder / "untouched")


def test_abort_keeps_what_was_valid(rig: Rig, table: Table, tmp_path: Path) -> None:
    table["invalid_trials"] = {"policy": "abort"}
    with pytest.raises(ResponseError, match=r"5 of 20 .*what was invalid is shown again"):
        rig.run(faulty(table, "distracted at first", tmp_path), "aborted")
    with RunReader.open(rig.folder / "aborted") as reader:
        *_, last = reader.passes()
        (part,) = last.parts
        assert last.responses is None
        assert part.is_valid.tolist() == [True] * 15
        invalid = {item.presentation_id for item in last.shown} - set(part.presentation_ids)
    mend(tmp_path)
    rig.resume("aborted")
    assert times_shown(rig.folder / "aborted") == {1: N_GENERATIONS * N_PRESENTATIONS - 5, 2: 5}
    with RunReader.open(rig.folder / "aborted") as reader:
        again = list(reader.passes())[1].shown[15:]
    assert {item.presentation_id for item in again} == invalid
    rig.run(table, "untouched")
    assert story(rig.folder / "aborted") == story(rig.folder / "untouched")


def test_display_that_refuses_an_image_ends_the_run_at_once(rig: Rig, table: Table) -> None:
    table["generators"]["linear"]["image_size_px"] = 500
    with pytest.raises(DisplayError, match=r"display reports: .*500 x 500 px.*320 x 240 px"):
        rig.run(table)
    rig.display.join()
    assert rig.states() == ["waiting", "running", "failed"]
    assert notes(rig.folder / "run", "display connected")


def test_own_display_that_cannot_start_ends_the_run_at_once(rig: Rig, table: Table) -> None:
    table["run"]["starts_display"] = True
    table["wire"]["connect_timeout_s"] = 120.0
    table["stimulus"] = {"fixation": {"position_deg": [80.0, 0.0]}}
    with pytest.raises(DisplayError, match=r"has ended \(exit code 1\).*fixation"):
        rig.run(table)


def test_second_display_does_not_disturb_the_first(rig: Rig, slow_table: Table) -> None:
    seconds: list[Any] = []

    def pause_and_start_another() -> None:
        rig.toggle_pause()
        first = rig.display
        seconds.append(rig.begin_display(Experiment.model_validate(slow_table)))
        rig.display = first

    start = once(is_within(block=0, n_shown=3), pause_and_start_another)

    def on_status(status: RunStatus) -> None:
        start(status)
        if status.state == "paused" and notes(rig.folder / "run", "message rejected"):
            rig.toggle_pause()

    rig.run(slow_table, on_status=on_status)
    (second,) = seconds
    assert second.process._client.state == "seeking"
    second.process._is_over = True
    path = rig.folder / "run"
    assert notes(path, "message rejected")[0]["fault"] == "second display"
    assert len(notes(path, "display connected")) == 1
    assert notes(path, "display lost") == []


# Replay


@pytest.fixture
def stopped(rig: Rig, table: Table) -> Path:
    """The record of a run that was stopped in its third block."""
    is_third = once(lambda status: status.block == 2, rig.stop)
    with pytest.raises(RunStopped):
        rig.run(table, on_status=is_third)
    return rig.folder / "run"


def test_resumed_run_has_its_images_whatever_became_of_files_and_blobs(
    rig: Rig, table: Table, tmp_path: Path
) -> None:
    folder = tmp_path / "grays"
    folder.mkdir()
    shapes = {"square.png": (80, 80, 3), "wide.png": (40, 160, 3)}
    for name, shape in shapes.items():
        Image.fromarray(np.full(shape, 128, np.uint8)).save(folder / name)
    table["protocol"]["references"] = {"kind": "folder", "path": str(folder)}
    with pytest.raises(RunStopped):
        rig.run(table, on_status=once(lambda status: status.block == 2, rig.stop))
    path = rig.folder / "run"
    with RunReader.open(path) as reader:
        first = next(reader.passes())
        for stimulus in first.plan.stimuli[-2:]:
            assert reader.image(stimulus.pixels_sha256).shape == shapes[stimulus.label]
        assert {item.pixels_sha256 for item in first.shown} >= {
            stimulus.pixels_sha256 for stimulus in first.plan.stimuli
        }
        assert reader.problems() == ()
    (folder / "square.png").unlink()
    (folder / "wide.png").write_bytes(b"no picture")
    (path / "blobs" / f"{first.plan.stimuli[0].pixels_sha256}.png").unlink()
    with RunReader.open(path) as reader:
        (problem,) = reader.problems()
        assert ": 1 of the images that were shown and answered." in problem
        assert ("now", problem) in gather(reader).notes
    rig.resume()
    (changed,) = notes(path, "image files changed")
    assert changed["name"] == "references"
    assert "cannot be read any more" in changed["change"]
    assert notes(path, "images restored") == [{"block": 0, "n": 1}]
    with RunReader.open(path) as reader:
        assert reader.problems() == ()
        assert reader.result() is not None


def edit(path: Path, change: Callable[[Table], None]) -> str:
    """Edit the experiment file of a run; give what it was before."""
    file = path / "experiment.toml"
    before = file.read_text()
    table = tomllib.loads(before)
    change(table)
    file.write_text(tomli_w.dumps(table))
    return before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table["run"].update(seed=6), "run.seed was 5 and is 6"),
        (
            lambda table: table["windows"].update(evoked_s=[0.05, 0.1]),
            "windows.evoked_s[1] was 0.2 and is 0.1",
        ),
        (
            lambda table: table["protocol"]["threads"][0]["score"].update(unit="unit_1"),
            "protocol.threads[0].score.unit was 'unit_0' and is 'unit_1'",
        ),
        (
            lambda table: table["invalid_trials"].pop("policy"),
            "invalid_trials.policy was 'repeat' and is 'absent'",
        ),
    ],
)
def test_changed_experiment_file_is_refused_until_it_is_put_back(
    rig: Rig, stopped: Path, change: Callable[[Table], None], sentence: str
) -> None:
    before = story(stopped)
    text = edit(stopped, change)
    with pytest.raises(ReplayMismatchError, match=re.escape(sentence)):
        rig.resume(has_display=False)
    assert story(stopped) == before
    (stopped / "experiment.toml").write_text(text)
    rig.resume()
    after = story(stopped)
    assert after[-1] == (True,)
    assert after[:2] == before[:2]


def test_settings_on_which_no_data_depend_may_be_changed(
    rig: Rig, stopped: Path, wire: WireSettings
) -> None:
    def change(table: Table) -> None:
        table["invalid_trials"]["response_timeout_s"] = 20.0
        table["wire"]["preload_timeout_s"] = 20.0

    edit(stopped, change)
    rig.resume()
    assert story(stopped)[-1] == (True,)


def test_other_weights_are_refused_and_other_software_is_noted(rig: Rig, stopped: Path) -> None:
    file = stopped / "manifest.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps({**manifest, "weights_sha256": {"model.pt": "0" * 64}}))
    said = rf"weight files .*: model\.pt had the sha256 {'0' * 64} and has none\. Put"
    with pytest.raises(ReplayMismatchError, match=said):
        rig.resume(has_display=False)
    file.write_text(json.dumps({**manifest, "python": "2.7"}))
    rig.resume()
    assert notes(stopped, "software changed") == [{"python": f"2.7 -> {sys.version}"}]


def test_other_units_are_refused(rig: Rig, table: Table, tmp_path: Path) -> None:
    table["response_source"]["population"]["n_units"] = 3
    is_third = once(lambda status: status.block == 2, rig.stop)
    with pytest.raises(RunStopped):
        rig.run(faulty(table, "resorted", tmp_path), on_status=is_third)
    before = story(rig.folder / "run")
    mend(tmp_path)  # the neurons are sorted anew
    with pytest.raises(ReplayMismatchError, match=r"without \['unit_2'\], with \['another'\]"):
        rig.resume(has_display=False)
    assert story(rig.folder / "run") == before


def test_forged_responses_are_found_by_the_codes_that_follow(rig: Rig, stopped: Path) -> None:
    forged = rig.folder / "forged"
    with (
        RunReader.open(stopped) as reader,
        RunRecord.create(
            forged, experiment_toml=reader.experiment_toml, manifest=reader.manifest
        ) as record,
    ):
        for one in reader.passes():
            record.planned(one.plan, reader.codes(one.plan), ())
            if one.responses is not None:
                record.responses(one.plan.block, one.plan.attempt, _negated(one.responses))
    before = story(forged)
    with pytest.raises(ReplayMismatchError, match=r"block 1.*another code.*b00001-s000") as caught:
        rig.resume("forged", has_display=False)
    assert not hasattr(caught.value, "__notes__")  # resuming would not help
    assert story(forged) == before


def _negated(responses: ResponseBatch) -> ResponseBatch:
    return ResponseBatch(
        responses.presentation_ids,
        responses.stimulus_index,
        -responses.evoked_hz,
        -responses.baseline_hz,
        responses.reasons,
        responses.unit_names,
    )


# Looking at a run while it goes on


def test_report_of_a_run_that_goes_on(rig: Rig, table: Table) -> None:
    path = rig.folder / "run"
    printed: list[str] = []

    def report() -> None:
        command = [sys.executable, "-m", "signseg_rig", "report", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        printed.append(done.stdout.strip())
        assert "thread_0" in (path / "report.html").read_text(encoding="utf-8")

    rig.run(table, on_status=once(is_within(block=2, n_shown=5), report))
    assert printed == [str(path / "report.html")]
    assert rig.states()[-1] == "finished"
    result = CliRunner().invoke(app, ["report", str(path), "--json"])
    told = json.loads(result.stdout)
    assert (told["report"], told["is_finished"]) == (str(path / "report.html"), True)
    assert [row["thread"] for row in told["rows"]] == ["thread_0", "thread_1"]


def test_report_of_a_run_that_has_shown_nothing_yet(rig: Rig, table: Table) -> None:
    from signseg_rig.report import write_report

    path = rig.folder / "run"
    reports: list[Path] = []
    rig.run(
        table,
        on_status=once(
            lambda status: status.n_planned > 0, lambda: reports.append(write_report(path))
        ),
    )
    assert reports == [path / "report.html"]


def test_report_tells_clocks_and_shows_every_generation(rig: Rig, table: Table) -> None:
    table["protocol"]["n_generations"] = 14
    table["protocol"]["threads"][1]["score"] = {
        "kind": "pattern",
        "targets_hz": {"unit_0": 10.0, "unit_1": 30.0},
    }
    path = rig.run(table).path
    estimates = notes(path, "display clock")
    assert estimates
    assert estimates[-1].keys() >= {"offset_s", "drift_ppm", "error_s"}
    with RunReader.open(path) as reader:
        content = gather(reader)
    assert "ppm" in content.clocks["display clock less loop clock"]
    # The simulated recording starts 100 s after the display and runs 20 ppm faster.
    recording = content.clocks["recording clock less display clock"]
    offset_s, drift_ppm = re.findall(r"[+-]\d+\.\d+", recording)
    assert float(offset_s) == pytest.approx(100.0, abs=0.01)
    assert float(drift_ppm) == pytest.approx(20.0, abs=10.0)
    rate, pattern = content.curves
    assert (rate.unit, pattern.unit) == ("spikes/s", "")
    labels = [axis.get_ylabel() for axis in draw_curves(content.curves).axes]
    assert labels == ["score (spikes/s)", "score"]
    labels = [label.split("\n")[0] for label in best_labels(rate).values()]
    assert labels == [f"gen {number}" for number in range(14)]


def test_report_shows_the_experiment_that_was_run(rig: Rig, table: Table) -> None:
    path = rig.run(table).path
    file = path / "experiment.toml"
    text = file.read_text()

    def report() -> tuple[str, str]:
        with RunReader.open(path) as reader:
            content = gather(reader)
        return content.experiment_toml, content.notes[-1][1]

    edited = "experiment.toml was edited after the run: "
    assert report()[0] == text
    assert edited not in report()[1]
    file.write_text(text.replace("n_generations = 3", "n_generations = 77"))
    shown, said = report()
    assert tomllib.loads(shown) == tomllib.loads(text)
    assert said == f"{edited}protocol.n_generations: 3 is now 77."
    file.write_text("[[")
    shown, said = report()
    assert tomllib.loads(shown) == tomllib.loads(text)
    assert said.startswith(edited)
    assert "no TOML" in said


def test_control_and_final_showings_are_recorded_resumed_and_reported(
    rig: Rig, table: Table
) -> None:
    from signseg_rig.report import write_report

    table["protocol"] |= {"n_generations": 7, "n_final_showings": 5}
    table["protocol"]["threads"][0]["control"] = "shuffled_scores"
    whole = rig.run(table, "whole")
    with pytest.raises(RunStopped):
        # In the final showings, the last of eight blocks.
        rig.run(
            table,
            "stopped",
            on_status=once(is_within(block=7, n_shown=3), rig.stop),
            on_display=wait_within(7),
        )
    rig.control = RunControl()
    again = rig.resume("stopped")
    assert repr(again.result.rows) == repr(whole.result.rows)
    assert again.result.notes == whole.result.notes
    page = write_report(again.path).read_text(encoding="utf-8")
    for said in (
        "are late images better than early ones?",
        "did the search do it?",
        "(the control of thread_0)",
        "best image: mean of the final showings [95 % interval]",
        "The final showings in the result are unbiased.",
        "Subject: not recorded",
        "Welch&#39;s t test",
    ):
        assert said in page
    with RunReader.open(again.path) as reader:
        content = gather(reader)
    assert [len(curve.scores) for curve in content.curves] == [7, 7, 7]
    assert content.channels is not None
    assert content.channels.headings[-1] == "thread_0-control, last third"


def test_readme_reads_a_record(rig: Rig, table: Table) -> None:
    path = rig.run(table).path
    (snippet,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    placeholder = "runs/dry-run-20260101-210000"
    assert placeholder in snippet
    read: dict[str, Any] = {}
    exec(snippet.replace(placeholder, path.as_posix()), read)
    assert read["codes"]["linear"].shape[0] == N_PRESENTATIONS
    assert read["rates_hz"].shape == (N_PRESENTATIONS, 2)
    assert len(read["scores"]) == 2 * N_GENERATIONS
    assert [row[0] for row in read["result"].rows] == ["thread_0", "thread_1"]


def test_what_follows_the_last_pass_has_its_time_noted(rig: Rig, table: Table) -> None:
    path = rig.run(table).path
    last = notes(path, "timing")[-1]
    assert last["block"] == N_GENERATIONS
    assert last.keys() >= {"source_s", "record_s"}


# Statuses


def test_statuses_count_up_to_what_is_planned(rig: Rig, table: Table) -> None:
    rig.run(table)
    running = [status for status in rig.statuses if status.state == "running"]
    assert {status.n_planned for status in running} == {N_PRESENTATIONS}
    assert {status.n_blocks for status in rig.statuses} == {N_GENERATIONS}
    counts = [status.n_shown for status in running if status.block == 1 and status.scores]
    assert sorted(set(counts)) == list(range(min(counts), N_PRESENTATIONS + 1))
    last = rig.statuses[-1]
    assert (last.state, last.block, last.message) == ("finished", N_GENERATIONS, "")
    with RunReader.open(rig.folder / "run") as reader:
        final = {one.thread: one.scores for one in reader.told()}
    assert last.scores == {
        thread: (pytest.approx(scores.max()), pytest.approx(scores.mean()))
        for thread, scores in final.items()
    }


def test_error_of_a_run_is_a_sentence_and_a_typo_leaves_no_folder(rig: Rig, table: Table) -> None:
    table["run"]["starts_display"] = True
    table["protocol"]["threads"][0]["score"]["unit"] = "unit_7"
    with pytest.raises(RigError, match=r"'unit_7'.*unit_0"):
        rig.run(table)
    assert not (rig.folder / "run").exists()
    table["protocol"]["threads"][0]["score"]["unit"] = "unit_0"
    rig.run(table)
    with pytest.raises(RecordError, match="holds a run already"):
        rig.run(table)
