"""Run records become data sets: each image once, with its own trials, whatever run it was in."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.datasets import check_recorded
from signseg_rig.errors import DataSetError, RecordError
from signseg_rig.records import RunRecord
from signseg_rig.studies import is_run, read_runs
from signseg_rig.studies.runs import MAX_REPEATS
from signseg_rig.values import (
    ImageArray,
    InvalidReason,
    PassPlan,
    Placement,
    PlannedStimulus,
    Presentation,
    Recording,
    ResponseBatch,
    SyncEvents,
    array_sha256,
)

UNITS = ("left", "right")
RATE_HZ = 30_000.0


class Animal:
    """Answers each image with counts that follow from it, and one spike more every time."""

    def __init__(self, path: Path, images: list[ImageArray]) -> None:
        self._record = RunRecord.create(path, experiment_toml="", manifest={})
        self._images = {array_sha256(image): image for image in images}
        self._record.restore_images(self._images)
        self.keys = list(self._images)
        self._n_blocks = 0

    def show(
        self,
        order: list[int],
        *,
        counts: list[int],
        invalid: set[int] = frozenset(),  # type: ignore[assignment]
        placements: list[Placement] | None = None,
        units: tuple[str, ...] = UNITS,
    ) -> None:
        """Show images by number, and record so many spikes of each in its window."""
        block, self._n_blocks = self._n_blocks, self._n_blocks + 1
        stimuli = tuple(
            PlannedStimulus(
                f"b{block}-s{place}",
                "reference",
                "pictures",
                -1,
                number,
                None,
                f"picture {number}.png",
                self.keys[number],
                self.keys[number],
                placements[place] if placements else Placement(),
            )
            for place, number in enumerate(order)
        )
        presentations = tuple(
            Presentation(f"{one.id}-a0", place, one.pixels_sha256)
            for place, one in enumerate(stimuli)
        )
        onsets_s = 1.0 + 0.5 * np.arange(len(order))
        spikes = [
            onset_s + 0.1 + 0.001 * np.arange(n)
            for onset_s, n in zip(onsets_s, counts, strict=True)
        ]
        train = np.rint(np.concatenate(spikes) * RATE_HZ) / RATE_HZ
        recording = Recording(
            (train, *[np.empty(0)] * (len(units) - 1)),
            SyncEvents.of_edges(onsets_s),
            0.0,
            float(onsets_s[-1] + 1),
            RATE_HZ,
        )
        evoked_hz = np.zeros((len(order), len(units)))
        evoked_hz[:, 0] = np.array(counts) / 0.15
        reasons = tuple(
            InvalidReason.FIXATION_BROKEN if place in invalid else None
            for place in range(len(order))
        )
        ids = tuple(item.id for item in presentations)
        responses = ResponseBatch(
            ids,
            np.arange(len(order)),
            evoked_hz,
            np.ones_like(evoked_hz),
            reasons,
            units,
            onset_s=onsets_s,
        )
        self._record.planned(PassPlan(block, 0, stimuli, presentations), {}, ())
        self._record.recording(block, 0, recording, presentation_ids=ids, alignment={})
        self._record.responses(block, 0, responses)

    def leave(self) -> None:
        self._record.close()


@pytest.fixture
def images() -> list[ImageArray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (6, 6, 3), dtype=np.uint8) for _ in range(12)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_each_image_has_its_trials(path: Path, images: list[ImageArray]) -> None:
    animal = Animal(path, images)
    animal.show([2, 0, 1], counts=[5, 3, 4])
    animal.show([1, 2, 0], counts=[6, 7, 8], invalid={2})
    animal.leave()
    data = read_runs([path])
    assert [name.split()[1] for name in data.image_ids] == ["2.png", "0.png", "1.png"]
    assert data.unit_ids == UNITS
    counts = data.rates_hz[0] * 0.15
    assert np.allclose(counts[:, 0], [5, 3, 4])
    assert np.allclose(counts[[0, 2], 1], [7, 6])
    assert np.isnan(counts[1, 1])
    assert data.baseline_hz is not None
    assert np.array_equal(np.isnan(data.baseline_hz), np.isnan(data.rates_hz))
    for image, number in zip(data.images.read(), (2, 0, 1), strict=True):
        assert np.array_equal(image, images[number])
    assert not [problem for problem in check_recorded(data) if problem.is_error]


def test_an_image_of_several_runs_is_one(path: Path, images: list[ImageArray]) -> None:
    paths = [path.with_name(name) for name in ("first", "second")]
    for number, one in enumerate(paths):
        animal = Animal(one, images)
        animal.show([0, 1 + number], counts=[4 + number, 1])
        animal.leave()
    data = read_runs(paths)
    assert data.n_images == 3
    assert np.allclose(data.rates_hz[0, 0] * 0.15, [4, 5])
    assert len(list(data.images.read())) == 3


def test_an_image_at_two_places_is_two(path: Path, images: list[ImageArray]) -> None:
    animal = Animal(path, images)
    places = [Placement((0.0, 0.0)), Placement((3.0, 0.0)), Placement((0.0, 0.0))]
    animal.show([0, 0, 1], counts=[4, 2, 1], placements=places)
    animal.leave()
    data = read_runs([path])
    assert data.n_images == 3
    assert data.image_ids[1].endswith("at place 2")
    assert np.allclose(data.rates_hz[0, :, 0] * 0.15, [4, 2, 1])


def test_other_windows_are_counted_again(path: Path, images: list[ImageArray]) -> None:
    experiment = Path(__file__).parents[3] / "examples" / "02_dry_run.toml"
    animal = Animal(path, images)
    animal.show([0, 1], counts=[5, 3])
    animal.leave()
    (path / "experiment.toml").write_text(experiment.read_text(encoding="utf-8"), encoding="utf-8")
    data = read_runs([path], response_window_s=(0.1, 0.103))
    assert np.allclose(data.rates_hz[0, :, 0] * 0.003, [3, 3])
    assert data.response_window_s == (0.1, 0.103)


def test_of_many_showings_some_are_used_and_that_is_said(
    path: Path, images: list[ImageArray]
) -> None:
    animal = Animal(path, images)
    for block in range(30):
        animal.show([0, 1], counts=[block, 1], invalid=set() if block < 3 else {1})
    animal.leave()
    data = read_runs([path])
    assert data.n_repeats == MAX_REPEATS
    counts = data.rates_hz[0, 0] * 0.15
    assert (counts[0], counts[-1]) == pytest.approx((0, 29))
    assert (np.diff(counts) > 0).all()
    (told,) = [one.message for one in data.reader_problems]
    assert "1 images were shown more than 20 times" in told


def test_units_are_chosen_and_incomplete_ones_left_out(
    path: Path, images: list[ImageArray]
) -> None:
    animal = Animal(path, images)
    animal.show([0, 1], counts=[5, 3])
    animal.leave()
    assert read_runs([path], units=["right"]).unit_ids == ("right",)
    with pytest.raises(DataSetError, match="no unit"):
        read_runs([path], units=["middle"])


def test_runs_of_other_units_are_not_mixed(path: Path, images: list[ImageArray]) -> None:
    paths = [path.with_name(name) for name in ("first", "second")]
    for one, units in zip(paths, (UNITS, ("up", "down")), strict=True):
        animal = Animal(one, images)
        animal.show([0, 1], counts=[4, 1], units=units)
        animal.leave()
    with pytest.raises(DataSetError, match=r"second \('up', 'down'\) are others than those of"):
        read_runs(paths)


def test_a_run_without_valid_answers_is_said_to_be_one(
    path: Path, images: list[ImageArray]
) -> None:
    animal = Animal(path, images)
    animal.show([0, 1], counts=[4, 1], invalid={0, 1})
    animal.leave()
    with pytest.raises(DataSetError, match="no valid answer"):
        read_runs([path])


def test_an_image_that_the_record_lost_is_listed(path: Path, images: list[ImageArray]) -> None:
    animal = Animal(path, images)
    animal.show([0, 1], counts=[4, 1])
    animal.leave()
    (path / "blobs" / f"{animal.keys[1]}.png").unlink()
    with pytest.raises(DataSetError, match=r"1 of 2 images in .* cannot be used"):
        read_runs([path])


def test_what_is_no_run_is_none(path: Path) -> None:
    assert not is_run(path)
    with pytest.raises(RecordError, match="is no run record"):
        read_runs([path])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--responses", "rates.npy"], "is not read together"),
        (["--images", "a.zip", "--stimuli", "b.csv"], "--images, --stimuli means nothing"),
    ],
)
def test_fit_says_what_means_nothing_for_runs(
    path: Path, images: list[ImageArray], tmp_path: Path, options: list[str], said: str
) -> None:
    animal = Animal(path, images)
    animal.show([0, 1], counts=[4, 1])
    animal.leave()
    arguments: list[Any] = ["fit", "--responses", path, "--out", tmp_path / "m.neurons", *options]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code != 0
    assert said in " ".join(result.output.split())
