"""Records that earlier versions of this program made are read, reported and exported from."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.errors import RecordError
from signseg_rig.experiment import WindowSettings
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.report.run_page import write_report

RECORDS = Path(__file__).parents[2] / "data" / "records"


@pytest.fixture(params=[1, 2])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run of two generations of four codes and two references, as that version wrote it."""
    path = tmp_path / f"version {request.param}"
    with zipfile.ZipFile(RECORDS / f"version_{request.param}.zip") as archive:
        archive.extractall(path)
    return path


def test_everything_in_it_is_read(run: Path) -> None:
    with RunReader.open(run) as reader:
        passes = list(reader.passes())
        first = passes[0]
        assert {one.plan.block for one in passes} == {0, 1}
        assert [stimulus.role for stimulus in first.plan.stimuli] == ["evolved"] * 4 + [
            "reference"
        ] * 2
        assert first.plan.stimuli[0].placement is None
        assert first.plan.durations is None
        assert {one.code for one in first.shown} == {None}
        assert first.broken_off == ()
        assert first.responses is not None
        assert np.isnan(first.responses.onset_s).all()
        assert np.isfinite(first.responses.evoked_hz[first.responses.is_valid]).all()
        # The simulated recording's clock is 100 s ahead, and 20 parts per million faster.
        assert first.clock_line is not None
        assert first.clock_line.offset_s == pytest.approx(100, abs=0.01)
        assert [told.generation for told in reader.told()] == [0, 1]
        assert reader.codes(first.plan)["linear"].shape == (6, 4)
        assert reader.image(first.plan.stimuli[0].pixels_sha256).shape == (8, 8, 3)
        assert reader.problems() == ()


def test_its_report_is_made(run: Path) -> None:
    assert "spikes/s" in write_report(run).read_text(encoding="utf-8")


def test_what_it_does_not_hold_is_said(run: Path) -> None:
    with RunReader.open(run) as reader:
        assert reader.recordings(0, 0) == []
        with pytest.raises(RecordError, match="of a version that kept rates only"):
            list(reader.recount(WindowSettings(evoked_s=(0.1, 0.2))))


def test_its_run_is_not_gone_on_with(run: Path) -> None:
    with pytest.raises(RecordError, match="runs are resumed in version 3"):
        RunRecord.reopen(run)
