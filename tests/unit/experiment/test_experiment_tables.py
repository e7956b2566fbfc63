"""What an experiment file may say, and the arithmetic of screen, time and addresses."""

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from signseg_rig.experiment import (
    Experiment,
    MonitorSettings,
    RunSettings,
    StimulusSettings,
    WindowSettings,
    WireSettings,
    is_loopback,
    read_experiment,
)

MONITOR = MonitorSettings(width_px=1920, height_px=1080, width_cm=52.0, distance_cm=57.0)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tcp://127.0.0.1:5580", True),
        ("tcp://127.8.9.1:1", True),
        ("tcp://localhost:5580", True),
        ("tcp://[::1]:5580", True),
        ("tcp://192.168.0.2:5580", False),
        ("tcp://0.0.0.0:5580", False),
        ("tcp://localhost.example.org:5580", False),
        ("tcp://stimulus-pc:5580", False),
    ],
)
def test_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5580", "tcp://127.0.0.1", "udp://127.0.0.1:1", "tcp://a:1/x", "tcp://:1"]
)
def test_addresses_look_like_addresses(address: str) -> None:
    with pytest.raises(ValidationError, match="should look like"):
        WireSettings(address=address)


def test_every_address_at_once_is_none_to_connect_to() -> None:
    with pytest.raises(ValidationError, match=r"the control computer's address.*\*"):
        WireSettings(address="tcp://*:5580", allow_insecure=True)


def test_another_machine_needs_keys_or_a_deliberate_flag() -> None:
    address = "tcp://192.168.0.2:5580"
    with pytest.raises(ValidationError, match="signseg-rig keys"):
        WireSettings(address=address)
    assert WireSettings(address=address, keys_dir=Path("keys")).keys_dir is not None
    assert WireSettings(address=address, allow_insecure=True).allow_insecure


def test_a_heartbeat_may_be_missed_once() -> None:
    with pytest.raises(ValidationError, match="at least twice"):
        WireSettings(heartbeat_interval_s=3.0, heartbeat_timeout_s=5.0)


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "a/b", "x" * 81])
def test_a_run_name_can_be_a_folder_name(name: str) -> None:
    with pytest.raises(ValidationError):
        RunSettings(name=name)


def test_out_dir_knows_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert RunSettings(name="a", out_dir=Path("~/runs")).out_dir == tmp_path / "runs"


def test_seeds_fit_into_toml() -> None:
    assert RunSettings(name="a", seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(ValidationError):
        RunSettings(name="a", seed=2**63)


def test_degrees_to_pixels() -> None:
    # 2 * 57 cm * tan(5 deg) = 9.9736 cm, at 1920 px / 52 cm.
    assert MONITOR.px(10.0) == pytest.approx(9.9736 * 1920 / 52, rel=1e-4)
    assert MONITOR.px(-10.0) == -MONITOR.px(10.0)


@pytest.mark.parametrize("size_deg", [0.01, 1.0, 30.0, 120.0])
def test_pixels_and_degrees_are_inverse(size_deg: float) -> None:
    assert MONITOR.deg(MONITOR.px(size_deg)) == pytest.approx(size_deg)


def test_the_whole_screen_in_degrees() -> None:
    assert MONITOR.deg(1920) == pytest.approx(2 * math.degrees(math.atan(26.0 / 57.0)))


@pytest.mark.parametrize(
    ("duration_ms", "rate_hz", "n_frames"),
    [
        (100.0, 60.0, 6),
        (100.0, 72.0, 7),
        (100.0, 144.0, 14),
        (33.3, 60.0, 2),
        (1.0, 60.0, 1),
        (0.0, 60.0, 1),
    ],
)
def test_durations_become_whole_frames(duration_ms: float, rate_hz: float, n_frames: int) -> None:
    assert MonitorSettings(refresh_rate_hz=rate_hz).frames(duration_ms) == n_frames


@pytest.mark.parametrize("name", ["evoked_s", "baseline_s"])
def test_a_window_ends_after_it_starts(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} should end after it starts"):
        WindowSettings.model_validate({name: (0.2, 0.2)})


def test_the_span_holds_both_windows() -> None:
    assert WindowSettings(evoked_s=(0.05, 0.2), baseline_s=(-0.1, 0.0)).span_s == (-0.1, 0.2)
    assert WindowSettings(evoked_s=(0.05, 0.2), baseline_s=(0.3, 0.4)).span_s == (0.05, 0.4)


@pytest.mark.parametrize("size_deg", [0.0, 181.0])
def test_sizes_are_bounded(size_deg: float) -> None:
    with pytest.raises(ValidationError):
        StimulusSettings(size_deg=size_deg)


@pytest.mark.parametrize(
    ("addition", "is_shared"),
    [
        ("[monitor]\ngamma = 2.2\n", True),
        ("[stimulus.fixation]\nis_shown = false\n", True),
        ("[wire]\nconnect_timeout_s = 5.0\n", False),
        ("[windows]\nevoked_s = [0.06, 0.2]\n", False),
    ],
)
def test_setup_hash_covers_what_the_display_shows(
    toy_experiment: Path, addition: str, is_shared: bool
) -> None:
    before = read_experiment(toy_experiment).setup_sha256()
    toy_experiment.write_text(toy_experiment.read_text() + addition)
    assert (read_experiment(toy_experiment).setup_sha256() != before) is is_shared


def test_setup_hash_covers_the_display_plugin(toy_experiment: Path) -> None:
    before = read_experiment(toy_experiment).setup_sha256()
    text = toy_experiment.read_text()
    toy_experiment.write_text(text.replace('"toy_void"', '"toy_void"\nhost = "other"'))
    assert read_experiment(toy_experiment).setup_sha256() != before


def test_a_file_of_another_version_is_refused(toy_experiment: Path) -> None:
    table = read_experiment(toy_experiment).to_toml_table()
    with pytest.raises(ValidationError):
        Experiment.model_validate({**table, "version": 2})
