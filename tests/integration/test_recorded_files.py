"""Data sets from files that other programs write, against counts of the spikes that went in."""

from __future__ import annotations

import csv
import datetime as dt
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from signseg_rig.cli import app
from signseg_rig.datasets import check_recorded, read_recorded
from signseg_rig.errors import DataSetError
from signseg_rig.neurons import NeuronModels

neo = pytest.importorskip("neo", reason="neo is not installed: pip install 'signseg-rig[neo]'")
pq = pytest.importorskip("quantities")
pynwb = pytest.importorskip("pynwb")

SEGMENTS_S = ((0.0, 10.0), (12.0, 20.0))
N_UNITS, N_IMAGES = 3, 4
# Times are multiples of 1/1024 s and windows whole numbers of them, so that spikes meet the borders
# of windows exactly.
TICKS = 1024
RESPONSE_S, BASELINE_S = (64 / TICKS, 256 / TICKS), (0.0, 48 / TICKS)
START = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)

Spikes = list[list[np.ndarray]]


@pytest.fixture
def spikes() -> Spikes:
    """Spike times by segment and unit, in seconds; one unit is silent in one segment."""
    rng = np.random.default_rng(1)
    trains = [
        [
            np.unique(rng.integers(start * TICKS, stop * TICKS, 900)) / TICKS
            for _unit in range(N_UNITS)
        ]
        for start, stop in SEGMENTS_S
    ]
    trains[1][2] = np.empty(0)
    return trains


@pytest.fixture
def onsets_s() -> np.ndarray:
    """Onsets in both segments, shuffled; the windows of three are not recorded to their end."""
    rng = np.random.default_rng(2)
    ticks = np.concatenate(
        [rng.integers(start * TICKS, (stop - 1) * TICKS, 40) for start, stop in SEGMENTS_S]
    )
    unrecorded = [9.9, 11.0, 19.9]
    return rng.permutation(np.concatenate([ticks / TICKS, unrecorded]))


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for index in range(N_IMAGES):
        pixels = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def shown(onsets_s: np.ndarray) -> list[str]:
    names = [f"{index}.png" for index in np.arange(len(onsets_s)) % N_IMAGES]
    return np.random.default_rng(4).permutation(names).tolist()


@pytest.fixture
def table(tmp_path: Path, onsets_s: np.ndarray, shown: list[str]) -> Path:
    path = tmp_path / "shown.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "onset_s", "image"])
        writer.writerows(
            (index, onset, image)
            for index, (onset, image) in enumerate(zip(onsets_s, shown, strict=True))
        )
    return path


def expected_hz(
    spikes: Spikes, onsets_s: np.ndarray, shown: list[str], window_s: tuple[float, float]
) -> np.ndarray:
    """Count one spike at a time."""
    trials: list[list[list[float]]] = [[[] for _ in range(N_IMAGES)] for _ in range(N_UNITS)]
    length_s = window_s[1] - window_s[0]
    for index in np.argsort(onsets_s):
        # What is not recorded to the end of the response is no trial.
        if not any(s <= onsets_s[index] <= e - RESPONSE_S[1] for s, e in SEGMENTS_S):
            continue
        start, end = (onsets_s[index] + bound for bound in window_s)
        for unit in range(N_UNITS):
            times = [time for segment in spikes for time in segment[unit]]
            count = sum(start <= time < end for time in times)
            trials[unit][int(shown[index][0])].append(count / length_s)
    n_repeats = max(len(repeats) for repeats in trials[0])
    rates = np.full((N_UNITS, N_IMAGES, n_repeats), np.nan)
    for unit, images in enumerate(trials):
        for image, repeats in enumerate(images):
            rates[unit, image, : len(repeats)] = repeats
    return rates


@contextmanager
def writing() -> Iterator[None]:
    """The writers' own warnings are not what is tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def neo_block(
    spikes: Spikes,
    *,
    names: tuple[str, ...] = ("ch0", "ch1", "ch2"),
    unit: str = "s",
    spans_s: tuple[tuple[float, float], ...] = SEGMENTS_S,
) -> neo.Block:
    block = neo.Block(name="session", session_start_time=START)
    block.annotate(session_description="", identifier="a")
    factor = float((1 * pq.s).rescale(unit))
    for number, (trains, span_s) in enumerate(zip(spikes, spans_s, strict=True)):
        segment = neo.Segment(name=f"part {number}", index=number)
        block.segments.append(segment)
        for row, times_s in enumerate(trains):
            segment.spiketrains.append(
                neo.SpikeTrain(
                    times_s * factor,
                    units=unit,
                    t_start=span_s[0] * factor,
                    t_stop=span_s[1] * factor,
                    name=names[row],
                )
            )
    return block


def write_nix(block: neo.Block, folder: Path) -> Path:
    with neo.NixIO(str(folder / "a.nix"), "ow") as file:
        file.write_block(block)
    return folder / "a.nix"


def write_nwb(block: neo.Block, folder: Path) -> Path:
    neo.NWBIO(str(folder / "a.nwb"), "w").write_all_blocks([block])
    return folder / "a.nwb"


def write_mat(block: neo.Block, folder: Path) -> Path:
    neo.NeoMatlabIO(str(folder / "a.mat")).write_block(block)
    return folder / "a.mat"


WRITERS = [write_nix, write_nwb, write_mat]
Writer = Callable[[neo.Block, Path], Path]


@pytest.mark.parametrize("write", WRITERS)
def test_recordings_through_neo_give_the_counts_of_their_spikes(
    write: Writer, spikes, onsets_s, shown, table, image_folder, tmp_path
):
    with writing():
        path = write(neo_block(spikes), tmp_path)
    before = path.read_bytes()
    data = read_recorded(
        path,
        image_folder,
        stimulus_table=table,
        response_window_s=RESPONSE_S,
        baseline_window_s=BASELINE_S,
    )
    np.testing.assert_array_equal(data.rates_hz, expected_hz(spikes, onsets_s, shown, RESPONSE_S))
    np.testing.assert_array_equal(
        data.baseline_hz, expected_hz(spikes, onsets_s, shown, BASELINE_S)
    )
    assert data.unit_ids == ("ch0", "ch1", "ch2")
    assert data.image_ids == data.images.ids == ("0.png", "1.png", "2.png", "3.png")
    assert path.read_bytes() == before
    problem, order = check_recorded(data)
    assert "not shown pass by pass" in order.message
    assert not problem.is_error
    assert problem.message.startswith("Of 3 of 83 presentations the window of 0.0625 to 0.25 s")


def test_times_in_other_units_are_converted(spikes, table, image_folder, tmp_path):
    with writing():
        paths = [
            write_nix(neo_block(spikes, unit=unit), _made(tmp_path / unit)) for unit in ("s", "ms")
        ]
    rates = [
        read_recorded(
            path, image_folder, stimulus_table=table, response_window_s=(0.0501, 0.2001)
        ).rates_hz
        for path in paths
    ]
    np.testing.assert_array_equal(*rates)


def test_unnamed_units_are_matched_by_position(
    spikes, onsets_s, shown, table, image_folder, tmp_path
):
    with writing():
        path = write_nix(neo_block(spikes, names=("", "", "")), tmp_path)
    data = read_recorded(path, image_folder, stimulus_table=table, response_window_s=RESPONSE_S)
    assert data.unit_ids == ("0", "1", "2")
    np.testing.assert_array_equal(data.rates_hz, expected_hz(spikes, onsets_s, shown, RESPONSE_S))


def test_a_unit_of_one_segment_has_no_trials_in_the_other(spikes, table, image_folder, tmp_path):
    del spikes[1][2]
    with writing():
        path = write_nix(neo_block(spikes), tmp_path)
    data = read_recorded(path, image_folder, stimulus_table=table, response_window_s=RESPONSE_S)
    n_trials = np.isfinite(data.rates_hz).sum(axis=(1, 2))
    assert n_trials.tolist() == [80, 80, 40]
    assert any("40 windows lie where some units" in item.message for item in check_recorded(data))


def test_units_that_cannot_be_matched_are_refused(spikes, table, image_folder, tmp_path):
    del spikes[1][2]
    with writing():
        path = write_nix(neo_block(spikes, names=("", "", "")), tmp_path)
    with pytest.raises(DataSetError, match="cannot be matched across its 2 segments"):
        read_recorded(path, image_folder, stimulus_table=table)


def test_segments_with_clocks_of_their_own_need_a_column(spikes, image_folder, tmp_path):
    block = neo_block([spikes[0], spikes[0]], spans_s=(SEGMENTS_S[0], SEGMENTS_S[0]))
    with writing():
        path = write_nix(block, tmp_path)
    table = tmp_path / "shown.csv"
    table.write_text("onset_s,image\n1,0\n2,1\n1,0\n2,1\n")
    with pytest.raises(DataSetError, match=r"segments that overlap in time.*column 'segment'"):
        read_recorded(path, image_folder, stimulus_table=table)
    table.write_text("onset_s,image,segment\n1,0,0\n2,1,0\n1,0,1\n2,1,1\n")
    data = read_recorded(path, image_folder, stimulus_table=table)
    assert data.rates_hz.shape == (3, 2, 2)
    np.testing.assert_array_equal(data.rates_hz[..., 0], data.rates_hz[..., 1])
    table.write_text("onset_s,image,segment\n1,0,2\n")
    with pytest.raises(DataSetError, match="names segment 2; the recording has 2"):
        read_recorded(path, image_folder, stimulus_table=table)


def test_a_vendors_file_is_read_lazily(onsets_s, image_folder, tmp_path):
    """A NeuroExplorer file, written byte by byte: header, one variable a unit, ticks."""
    rng = np.random.default_rng(5)
    ticks = [np.unique(rng.integers(0, 20 * TICKS, 700)).astype("<i4") for _ in range(2)]
    header = struct.pack("<4si256sdiii260x", b"NEX1", 104, b"", TICKS, 0, 20 * TICKS, len(ticks))
    offset, variables = 544 + 208 * len(ticks), b""
    for row, train in enumerate(ticks):
        variables += struct.pack(
            "<ii64sii128x", 0, 100, f"sig00{row}a".encode(), offset, len(train)
        )
        offset += train.nbytes
    path = tmp_path / "a.nex"
    path.write_bytes(header.ljust(544, b"\0") + variables + b"".join(t.tobytes() for t in ticks))
    table = tmp_path / "shown.csv"
    rows = [f"{onset},{index % N_IMAGES}" for index, onset in enumerate(np.sort(onsets_s)[:40])]
    table.write_text("\n".join(["onset_s,image", *rows]))
    data = read_recorded(path, image_folder, stimulus_table=table, response_window_s=RESPONSE_S)
    counts = [
        [
            sum(onset + RESPONSE_S[0] <= time / TICKS < onset + RESPONSE_S[1] for time in train)
            for onset in np.sort(onsets_s)[:40]
        ]
        for train in ticks
    ]
    in_order = data.rates_hz.transpose(0, 2, 1).reshape(2, 40)
    np.testing.assert_array_equal(in_order, np.array(counts) / (RESPONSE_S[1] - RESPONSE_S[0]))
    assert data.unit_ids == ("sig000a", "sig001a")


@pytest.mark.parametrize("suffix", ["nix", "mat", "nev", "plx", "nex", "smr"])
def test_the_readers_own_error_is_shown(suffix, table, image_folder, tmp_path):
    path = tmp_path / f"torn.{suffix}"
    path.write_bytes(b"not what the suffix says")
    with pytest.raises(DataSetError, match=r"cannot be read by neo's \w+IO: \w+: .") as caught:
        read_recorded(path, image_folder, stimulus_table=table)
    assert caught.value.__cause__ is not None


def test_pickles_are_never_opened(table, image_folder, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(b"cos\nsystem\n(S'echo opened'\ntR.")
    with pytest.raises(DataSetError, match="no recording that is known"):
        read_recorded(path, image_folder, stimulus_table=table)


def nwb_file(spikes: Spikes, onsets_s: np.ndarray, shown: list[str], **columns) -> pynwb.NWBFile:
    """An NWB file as pynwb's own tutorials make them: units, trials, and `Images`."""
    file = pynwb.NWBFile("natural images", "session-7", START)
    file.subject = pynwb.file.Subject(subject_id="M1", species="Macaca mulatta", age="P5Y")
    device = file.create_device(name="array")
    file.create_electrode_group("V4", description="", location="V4", device=device)
    for row in range(N_UNITS):
        times_s = np.concatenate([segment[row] for segment in spikes])
        file.add_unit(spike_times=times_s, obs_intervals=np.array(SEGMENTS_S), id=10 + row)
    column = columns.get("image_column", "image_id")
    file.add_trial_column(column, "which image")
    file.add_trial_column("valid", "fixated")
    for onset_s, name in zip(onsets_s, shown, strict=True):
        file.add_trial(start_time=onset_s, stop_time=onset_s + 0.3, valid=True, **{column: name})
    file.add_trial(start_time=np.nan, stop_time=5.3, valid=False, **{column: shown[0]})
    return file


def write_pynwb(file: pynwb.NWBFile, path: Path) -> Path:
    with writing(), pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)
    return path


def add_images(file: pynwb.NWBFile, image_folder: Path) -> dict[str, np.ndarray]:
    """Add the pictures of a folder; the first as gray."""
    arrays = {path.name: np.asarray(Image.open(path)) for path in sorted(image_folder.iterdir())}
    arrays["0.png"] = arrays["0.png"][..., 0]
    pictures = [
        (pynwb.image.RGBImage if pixels.ndim == 3 else pynwb.image.GrayscaleImage)(
            name=name, data=pixels
        )
        for name, pixels in arrays.items()
    ]
    file.add_stimulus_template(pynwb.base.Images(name="set", images=pictures, description=""))
    return arrays


def test_nwb_files_give_the_counts_and_the_images(spikes, onsets_s, shown, image_folder, tmp_path):
    file = nwb_file(spikes, onsets_s, shown)
    arrays = add_images(file, image_folder)
    path = write_pynwb(file, tmp_path / "a.nwb")
    data = read_recorded(path, response_window_s=RESPONSE_S, baseline_window_s=BASELINE_S)
    np.testing.assert_array_equal(data.rates_hz, expected_hz(spikes, onsets_s, shown, RESPONSE_S))
    np.testing.assert_array_equal(
        data.baseline_hz, expected_hz(spikes, onsets_s, shown, BASELINE_S)
    )
    assert data.unit_ids == ("10", "11", "12")
    assert data.session == {
        "source": str(path),
        "identifier": "session-7",
        "description": "natural images",
        "date": START.isoformat(),
        "subject": "M1",
        "species": "Macaca mulatta",
        "area": "V4",
    }
    first, second = data.images.select([0, 1]).read()
    np.testing.assert_array_equal(first, np.repeat(arrays["0.png"][..., None], 3, axis=2))
    np.testing.assert_array_equal(second, arrays["1.png"])
    assert len(set(data.images.sha256)) == N_IMAGES


def test_nwb_with_its_stimuli_in_a_table_of_their_own(
    spikes, onsets_s, shown, table, image_folder, tmp_path
):
    """Units that were recorded in two stretches, of which neo would take one."""
    path = write_pynwb(nwb_file(spikes, onsets_s, shown), tmp_path / "a.nwb")
    data = read_recorded(path, image_folder, stimulus_table=table)
    np.testing.assert_array_equal(data.rates_hz, read_recorded(path, image_folder).rates_hz)


def test_nwb_with_images_elsewhere_and_a_column_of_another_name(
    spikes, onsets_s, shown, image_folder, tmp_path
):
    path = write_pynwb(
        nwb_file(spikes, onsets_s, shown, image_column="picture"), tmp_path / "a.nwb"
    )
    with pytest.raises(DataSetError) as caught:
        read_recorded(path, image_folder)
    assert "trials: start_time, stop_time, picture, valid" in str(caught.value)
    data = read_recorded(path, image_folder, image_column="picture", response_window_s=RESPONSE_S)
    np.testing.assert_array_equal(data.rates_hz, expected_hz(spikes, onsets_s, shown, RESPONSE_S))


def test_nwb_tables_and_columns_are_chosen_on_the_command_line(spikes, tmp_path):
    """Two tables name images; the onsets of one are in a column of its own."""
    rng = np.random.default_rng(6)
    (tmp_path / "images").mkdir()
    for index in range(16):
        pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{index:02}.png")
    file = nwb_file(spikes, np.array([1.0]), ["00.png"])
    flashes = pynwb.epoch.TimeIntervals(name="flashes", description="")
    flashes.add_column("picture", "which")
    flashes.add_column("onset", "in seconds")
    for index in range(32):
        onset_s = 0.25 * index + 0.5
        flashes.add_row(
            start_time=0.0, stop_time=0.0, onset=onset_s, picture=f"{index % 16:02}.png"
        )
    file.add_time_intervals(flashes)
    path = write_pynwb(file, tmp_path / "a.nwb")
    chosen = {"table": "flashes", "image_column": "picture", "onset_column": "onset"}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items()]
    command = [
        "fit",
        *("--responses", path, "--images", tmp_path / "images", "--out", tmp_path / "a.neurons"),
        *("--set", "input_size_px=32", "--layer", "blocks.15", "--pool-px", "1"),
        *("--max-components", "2", "--n-folds", "2", "--n-shuffles", "0", "--units", "10,12"),
        *("--cache-dir", tmp_path / "cache"),
    ]
    result = CliRunner().invoke(app, [*map(str, command), *options])
    assert result.exit_code == 0, result.output
    models = NeuronModels.load(tmp_path / "a.neurons")
    assert models.unit_ids == ("10", "12")
    assert len(models.image_sha256) == 16
    result = CliRunner().invoke(app, [*map(str, command), "--table", "flash"])
    assert "--image-column" in " ".join(result.output.split())


def test_nwb_without_what_is_needed_says_so(spikes, onsets_s, shown, tmp_path):
    path = write_pynwb(nwb_file(spikes, onsets_s, shown), tmp_path / "a.nwb")
    with pytest.raises(DataSetError, match="no stimulus images"):
        read_recorded(path)
    empty = write_pynwb(pynwb.NWBFile("", "b", START), tmp_path / "empty.nwb")
    with pytest.raises(DataSetError, match="no units with spike times"):
        read_recorded(empty)


def test_nwb_of_other_images_tells_which_there_are(spikes, onsets_s, image_folder, tmp_path):
    file = nwb_file(spikes, onsets_s, ["face", "house"] * 40 + ["face"] * 3)
    path = write_pynwb(file, tmp_path / "a.nwb")
    with pytest.raises(DataSetError, match=r"'face', 'house'; it has '0\.png', '1\.png', '2\.png'"):
        read_recorded(path, image_folder)


def test_nwb_onsets_that_are_missing_must_be_marked(
    spikes, onsets_s, shown, image_folder, tmp_path
):
    file = nwb_file(spikes, onsets_s, shown)
    file.add_trial(start_time=np.nan, stop_time=5.3, valid=True, image_id="0.png")
    path = write_pynwb(file, tmp_path / "a.nwb")
    with pytest.raises(DataSetError, match=r"1 of 85 rows of the table .* have no .start_time."):
        read_recorded(path, image_folder)


def test_nwb_of_unknown_extent_is_read_with_a_warning(image_folder, tmp_path):
    file = pynwb.NWBFile("", "c", START)
    for row in range(2):
        file.add_unit(spike_times=np.array([1.1, 2.1, 2.15]) + row, id=row)
    file.add_trial_column("image", "which")
    for onset_s, name in ((1.0, 0.0), (2.0, 1.0)):
        file.add_trial(start_time=onset_s, stop_time=onset_s + 1, image=name)
    data = read_recorded(write_pynwb(file, tmp_path / "a.nwb"), image_folder)
    np.testing.assert_allclose(data.rates_hz[..., 0] * 0.15, [[1, 2], [0, 1]])
    messages = [problem.message for problem in check_recorded(data)]
    assert any("have no obs_intervals" in message for message in messages)
    assert any("2 of 4 images" in message for message in messages)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def nwb_of_images(image_folder: Path) -> pynwb.NWBFile:
    """Two units, of which the sorting calls one noise, and pictures in an order of their own."""
    file = pynwb.NWBFile("", "d", START)
    file.add_unit_column("quality", "of the sorting")
    for row, quality in enumerate(["good", "noise", "mua"]):
        times_s = np.array([1.1, 2.1, 2.15]) + row / 100
        file.add_unit(spike_times=times_s, obs_intervals=[[0.0, 9.0]], id=row, quality=quality)
    pictures = [
        pynwb.image.RGBImage(name=path.name, data=np.asarray(Image.open(path)))
        for path in sorted(image_folder.iterdir(), reverse=True)
    ]
    order = pynwb.base.ImageReferences(name="order_of_images", data=pictures)
    file.add_stimulus_template(
        pynwb.base.Images(name="set", images=pictures, description="", order_of_images=order)
    )
    return file


def test_nwb_index_series_name_pictures_by_their_order(image_folder, tmp_path):
    file = nwb_of_images(image_folder)
    file.add_stimulus(
        pynwb.image.IndexSeries(
            name="shown",
            data=np.array([3, 0, 3], np.uint32),
            timestamps=[1.0, 2.0, 3.0],
            indexed_images=file.stimulus_template["set"],
            unit="N/A",
        )
    )
    path = write_pynwb(file, tmp_path / "a.nwb")
    data = read_recorded(path)
    assert data.image_ids == ("0.png", "3.png")  # the last and the first of the order
    np.testing.assert_allclose(data.rates_hz[0] * 0.15, [[1, 0], [2, np.nan]])
    assert read_recorded(path, table="shown").image_ids == data.image_ids
    with pytest.raises(DataSetError, match="shown: an IndexSeries"):
        read_recorded(path, table="trials")


def test_nwb_presentations_of_unknown_validity_and_noise_are_left_out(image_folder, tmp_path):
    file = nwb_of_images(image_folder)
    file.add_trial_column("image", "which")
    file.add_trial_column("valid", "fixated")
    for onset_s, valid in ((1.0, 1.0), (2.0, 0.0), (3.0, np.nan), (4.0, 1.0)):
        name = f"{int(onset_s) % 4}.png"
        file.add_trial(start_time=onset_s, stop_time=onset_s + 1, image=name, valid=valid)
    data = read_recorded(write_pynwb(file, tmp_path / "a.nwb"))
    assert set(data.image_ids) == {"0.png", "1.png"}
    assert data.unit_ids == ("0", "2")
    messages = [problem.message for problem in check_recorded(data)]
    assert any("1 of 4 rows of the table 'trials'" in message for message in messages)
    assert any("noise are left out: '1'" in message for message in messages)


def test_nwb_validity_that_is_no_truth_is_refused(image_folder, tmp_path):
    file = nwb_of_images(image_folder)
    file.add_trial_column("image", "which")
    file.add_trial_column("valid", "a code")
    file.add_trial(start_time=1.0, stop_time=2.0, image="0.png", valid=2.0)
    with pytest.raises(DataSetError, match=r"'valid' of the table 'trials' holds .*2\.0"):
        read_recorded(write_pynwb(file, tmp_path / "a.nwb"))


def test_nwb_that_leads_to_another_file_is_refused(spikes, onsets_s, shown, image_folder, tmp_path):
    path = write_pynwb(nwb_file(spikes, onsets_s, shown), tmp_path / "a.nwb")
    other = tmp_path / "other.nwb"
    path.rename(other)
    with h5py.File(other) as source, h5py.File(path, "w") as file:
        for name in source:
            source.copy(name, file)
        file.attrs.update(source.attrs)
        del file["units"]
        file["units"] = h5py.ExternalLink(str(other), "/units")
    with pytest.raises(DataSetError, match=r"'/units' in .* which is another file"):
        read_recorded(path, image_folder)


def test_phy_clusters_that_are_noise_are_left_out(image_folder, tmp_path):
    """phy keeps what its user decided in cluster_group.tsv; undecided clusters are kept."""
    folder = tmp_path / "phy"
    folder.mkdir()
    rng = np.random.default_rng(8)
    clusters = np.repeat([10, 11, 12, 13], 100)
    np.save(folder / "spike_times.npy", np.sort(rng.integers(0, 20 * 30_000, 400)).astype(np.int64))
    np.save(folder / "spike_clusters.npy", rng.permutation(clusters).astype(np.int32))
    np.save(folder / "spike_templates.npy", clusters.astype(np.int32))
    np.save(folder / "amplitudes.npy", np.ones(400))
    (folder / "params.py").write_text(
        "dat_path = 'x.dat'\nn_channels_dat = 4\ndtype = 'int16'\noffset = 0\n"
        "sample_rate = 30000.\nhp_filtered = False\n"
    )
    groups = "cluster_id\tgroup\n10\tgood\n11\tnoise\n12\tmua\n"
    (folder / "cluster_group.tsv").write_text(groups)
    (tmp_path / "t.csv").write_text("onset_s,image\n1.0,0.png\n2.0,1.png\n")
    data = read_recorded(folder, image_folder, stimulus_table=tmp_path / "t.csv")
    assert len(data.unit_ids) == 3
    assert not any("11" in unit_id for unit_id in data.unit_ids)
    messages = [problem.message for problem in check_recorded(data)]
    assert any("1 clusters" in message and "noise are left out" in message for message in messages)
