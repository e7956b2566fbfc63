"""What would stop or spoil a run on this machine, found before anything is started."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from signseg_rig.display.headless import HeadlessSettings
from signseg_rig.experiment import SyncSettings, read_experiment
from signseg_rig.run import preflight
from signseg_rig.run.preflight import check_experiment, frame_timings
from signseg_rig.settings import PluginChoice, Problem
from signseg_rig.wire.keys import make_keys

Check = Callable[..., list[Problem]]


@pytest.fixture
def address() -> str:
    """An address of this machine that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def check(
    toy_experiment: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Check the toy experiment with another address, replaced text and further tables."""
    monkeypatch.chdir(tmp_path)

    def check(addition: str = "", *, old: str = "", new: str = "", wire: str = "") -> list[Problem]:
        text = toy_experiment.read_text()
        assert old in text
        wire = wire or f'address = "{address}"'
        text = f"{text.replace(old, new, 1) if old else text}\n[wire]\n{wire}\n{addition}"
        toy_experiment.write_text(text, encoding="utf-8")
        return check_experiment(read_experiment(toy_experiment))

    return check


def only(problems: list[Problem], *key: str | int) -> Problem:
    (problem,) = problems
    assert problem.key == key
    return problem


def test_nothing_is_wrong_with_a_good_experiment(check: Check) -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("on_ms", "rate_hz", "n_frames", "actual_ms", "is_faithful"),
    [
        (100, 60, 6, 100.0, True),
        (100, 72, 7, 97.222, False),
        (100, 59.94, 6, 100.1, True),
        (66.67, 60, 4, 66.667, True),
        (1, 60, 1, 16.667, False),
    ],
)
def test_durations_are_compared_with_whole_frames(
    check: Check, on_ms: float, rate_hz: float, n_frames: int, actual_ms: float, is_faithful: bool
) -> None:
    problems = check(
        f"[stimulus]\non_ms = {on_ms}\noff_ms = 1000\n[monitor]\nrefresh_rate_hz = {rate_hz}\n"
    )
    timing = frame_timings(read_experiment(Path("toy.toml")))[0]
    assert (timing.name, timing.asked_ms, timing.n_frames) == ("on_ms", on_ms, n_frames)
    assert timing.actual_ms == pytest.approx(actual_ms, abs=1e-3)
    found = [problem for problem in problems if problem.key == ("stimulus", "on_ms")]
    assert (found == []) is is_faithful
    for problem in found:
        assert problem.severity == "warning"
        assert f"{on_ms:g} ms" in problem.message
        assert f"{n_frames} frame" in problem.message
        assert f"{actual_ms:.1f} ms" in problem.message


@pytest.mark.parametrize(("end_s", "is_warned"), [(0.2, False), (0.201, True)])
def test_a_window_should_end_before_the_next_onset(
    check: Check, end_s: float, is_warned: bool
) -> None:
    problems = check(f"[windows]\nevoked_s = [0.05, {end_s}]\n")
    assert [(problem.key, problem.severity) for problem in problems] == (
        [(("windows", "evoked_s"), "warning")] if is_warned else []
    )


def test_a_taken_port_is_found_and_a_free_one_stays_free(check: Check, address: str) -> None:
    port = int(address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        problem = only(check(), "wire", "address")
    assert problem.severity == "warning"
    assert address in problem.message
    assert check_experiment(read_experiment(Path("toy.toml"))) == []
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_keys_that_are_missing_are_found(check: Check, address: str) -> None:
    problems = check(wire=f'address = "{address}"\nkeys_dir = "keys"')
    assert {problem.key for problem in problems} == {("wire", "keys_dir")}
    messages = "\n".join(problem.message for problem in problems)
    assert "loop.key_secret" in messages
    assert "display.key_secret" in messages


def test_the_displays_keys_are_needed_only_where_it_runs(
    check: Check, address: str, tmp_path: Path
) -> None:
    make_keys(tmp_path / "keys")
    (tmp_path / "keys" / "display.key_secret").unlink()
    wire = f'address = "{address}"\nkeys_dir = "keys"'
    problem = only(check(wire=wire), "wire", "keys_dir")
    assert "display.key_secret" in problem.message
    file = tmp_path / "toy.toml"
    file.write_text(
        file.read_text().replace('name = "toy"', 'name = "toy"\nstarts_display = false')
    )
    assert check_experiment(read_experiment(file)) == []


def test_missing_keys_do_not_hide_a_taken_port(check: Check, address: str) -> None:
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        problems = check(wire=f'address = "{address}"\nkeys_dir = "keys"')
    assert ("wire", "address") in {problem.key for problem in problems}


def test_an_insecure_wire_is_warned_of(check: Check, address: str) -> None:
    open_address = address.replace("127.0.0.1", "0.0.0.0")
    problem = only(
        check(wire=f'address = "{open_address}"\nallow_insecure = true'), "wire", "allow_insecure"
    )
    assert problem.severity == "warning"
    assert open_address in problem.message


def test_an_insecure_flag_on_loopback_harms_nobody(check: Check, address: str) -> None:
    assert check(wire=f'address = "{address}"\nallow_insecure = true') == []


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ("", "gamma and calibrated_on not set"),
        ("gamma = 2.2\n", "calibrated_on not set"),
        ('calibrated_on = "2024-05-01"\n', "gamma not set"),
    ],
)
def test_a_monitor_should_be_calibrated(check: Check, settings: str, missing: str) -> None:
    problems = check(f"[monitor]\n{settings}", old="toy_void", new="toy_screen")
    problem = only(problems, "monitor")
    assert problem.severity == "warning"
    assert missing in problem.message


def test_a_calibrated_monitor_is_fine(check: Check) -> None:
    monitor = '[monitor]\ngamma = 2.2\ncalibrated_on = "2024-05-01"\n'
    assert check(monitor, old="toy_void", new="toy_screen") == []


@pytest.mark.parametrize(
    ("stimulus", "key", "what"),
    [
        ("size_deg = 100.0\n", "size_deg", "does not fit the screen"),
        ("size_deg = 5.0\nposition_deg = [0.0, 60.0]\n", "position_deg", "lies off the screen"),
        ("size_deg = 10.0\nposition_deg = [22.0, 0.0]\n", "size_deg", "does not fit the screen"),
        (
            "[stimulus.fixation]\nposition_deg = [0.0, -40.0]\n",
            "fixation.position_deg",
            "lies off the screen",
        ),
        ("[stimulus.sync_patch]\nsize_px = 900\n", "sync_patch.size_px", "larger than the screen"),
    ],
)
def test_what_is_shown_lies_on_the_screen(check: Check, stimulus: str, key: str, what: str) -> None:
    problem = only(check(f"[stimulus]\n{stimulus}"), "stimulus", *key.split("."))
    assert problem.severity == "error"
    assert what in problem.message


def test_parts_that_are_off_the_screen_do_not_hide_each_other(check: Check) -> None:
    problems = check(
        "[stimulus]\nsize_deg = 100.0\nposition_deg = [0.0, 60.0]\n"
        "[stimulus.fixation]\nposition_deg = [0.0, -40.0]\n[stimulus.sync_patch]\nsize_px = 900\n"
    )
    # How large an image may be depends on where it is.
    assert [problem.key[1:] for problem in problems] == [
        ("position_deg",),
        ("fixation", "position_deg"),
        ("sync_patch", "size_px"),
    ]


def test_an_image_of_a_few_pixels_is_warned_of(check: Check) -> None:
    problem = only(check("[stimulus]\nsize_deg = 0.01\n"), "stimulus", "size_deg")
    assert problem.severity == "warning"
    assert "An image of 0.01 degrees is 2 px wide on this screen" in problem.message


@pytest.mark.parametrize(
    ("stimulus", "expected"),
    [
        # The patch covers 40 px at the bottom left, 24.2 degrees to the left of the centre.
        ("size_deg = 4.0\nposition_deg = [-22.0, -12.5]\n", [("warning", "sync_patch")]),
        ("size_deg = 4.0\nposition_deg = [22.0, -11.0]\n", []),
        (
            "size_deg = 4.0\nposition_deg = [-22.0, -12.5]\nsync_patch = { corner = 'none' }\n",
            [],
        ),
        (
            "[stimulus.fixation]\nposition_deg = [-24.5, -14.5]\n",
            [("error", "fixation.position_deg")],
        ),
        ("[stimulus.fixation]\nposition_deg = [-24.5, -14.5]\nis_shown = false\n", []),
        ("[stimulus.fixation]\nposition_deg = [24.5, -14.5]\n", []),
    ],
)
def test_what_the_sync_patch_covers_is_told(
    check: Check, stimulus: str, expected: list[tuple[str, str]]
) -> None:
    problems = check(f"[stimulus]\n{stimulus}")
    assert [(one.severity, ".".join(map(str, one.key[1:]))) for one in problems] == expected


def test_a_stimulus_that_fits_is_fine(check: Check) -> None:
    assert check("[stimulus]\nsize_deg = 10.0\nposition_deg = [10.0, -5.0]\n") == []


def test_an_out_dir_that_is_a_file_is_an_error(check: Check, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    problems = check(old='name = "toy"', new='name = "toy"\nout_dir = "taken/runs"')
    problem = only(problems, "run", "out_dir")
    assert problem.severity == "error"
    assert "cannot be written to" in problem.message


def test_an_out_dir_of_too_long_a_name_is_an_error(check: Check) -> None:
    problems = check(old='name = "toy"', new=f'name = "toy"\nout_dir = "{"x" * 3000}"')
    assert "cannot be written to: File name too long" in only(problems, "run", "out_dir").message


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere"
)
def test_an_out_dir_of_someone_else_is_an_error(check: Check, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    problems = check(old='name = "toy"', new='name = "toy"\nout_dir = "locked/runs"')
    assert "cannot be written to" in only(problems, "run", "out_dir").message


def test_checking_leaves_no_files(check: Check, tmp_path: Path) -> None:
    check()
    assert {path.name for path in tmp_path.iterdir()} == {"site", "toy.toml"}


def test_a_full_disk_is_warned_of_with_the_number(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "MIN_FREE_BYTES", 10**18)
    problem = only(check(), "run", "out_dir")
    assert problem.severity == "warning"
    assert "GB are free" in problem.message


def test_plugins_say_what_they_lack(check: Check, toy_plugins) -> None:
    toy_plugins.install(
        "fussy-lab",
        {"optimizers/fussy": "Fussy"},
        source="""
        from toy_lab import Climber

        class Fussy(Climber):
            @classmethod
            def problems(cls, settings):
                return [f"The step {settings.step} is odd."] if settings.step != 0.5 else []
        """,
    )
    problem = only(
        check(old='"toy_climber"', new='"fussy", step = 0.7'),
        "protocol",
        "threads",
        0,
        "optimizer",
    )
    assert problem.message == "The step 0.7 is odd."
    assert problem.severity == "error"


def test_a_plugin_that_cannot_be_checked_does_not_hide_the_rest(
    check: Check, toy_plugins, address: str
) -> None:
    toy_plugins.install(
        "crash-lab",
        {"optimizers/crash": "Crash"},
        source="""
        from toy_lab import Climber

        class Crash(Climber):
            @classmethod
            def problems(cls, settings):
                raise ZeroDivisionError("in the plugin")
        """,
    )
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        problems = check(old='"toy_climber"', new='"crash"')
    assert "'crash' cannot be checked: ZeroDivisionError: in the plugin." in [
        problem.message for problem in problems
    ]
    assert ("wire", "address") in {problem.key for problem in problems}


NEEDY = """
from toy_lab import Climber

class Needy(Climber):
    required_packages = ("json", "no_such_lib")

    @classmethod
    def problems(cls, settings):
        import no_such_lib
"""


@pytest.mark.parametrize(
    ("requirements", "command"),
    [
        (
            (
                'no-such-lib>=2; extra == "all"',
                'another; extra == "all"',
                "No.Such_Lib[fast] (>=2) ; python_version > '3' and extra == 'small'",
                'another; extra == "wrong"',
                "numpy",
            ),
            'pip install "needy-lab[small]"',
        ),
        (("numpy",), "pip install no_such_lib"),
        ((), "pip install no_such_lib"),
    ],
    ids=["smallest extra", "no extra has it", "no requirements"],
)
def test_missing_packages_are_named_with_what_installs_them(
    check: Check, toy_plugins, requirements: tuple[str, ...], command: str
) -> None:
    toy_plugins.install(
        "needy-lab", {"optimizers/needy": "Needy"}, source=NEEDY, requirements=requirements
    )
    problem = only(
        check(old='"toy_climber"', new='"needy"'), "protocol", "threads", 0, "optimizer", "kind"
    )
    assert "'needy' needs no_such_lib, not installed" in problem.message
    assert problem.message.endswith(command)


@pytest.mark.parametrize("host", ["198.51.100.7", "rig-control"])
def test_an_address_of_another_machine_is_not_blamed_on_another_run(
    check: Check, host: str
) -> None:
    wire = f'address = "tcp://{host}:5801"\nallow_insecure = true'
    (message,) = [one.message for one in check(wire=wire) if one.key == ("wire", "address")]
    assert "no address of this machine. Run this on the control computer" in message
    assert "as a number" in message
    assert "another run" not in message


@pytest.mark.parametrize(
    ("marker", "bits", "said"),
    [
        ({"kind": "none"}, None, None),
        ({"kind": "none"}, 8, "has no marker"),
        ({"kind": "serial", "port": "/dev/ttyUSB0"}, 16, None),
        ({"kind": "parallel", "address": "/dev/parport0"}, 8, None),
        ({"kind": "parallel", "address": "/dev/parport0"}, 9, "a parallel port has 8 lines"),
    ],
)
def test_codes_need_a_marker_that_is_wide_enough(
    toy_experiment: Path, marker: dict[str, str], bits: int | None, said: str | None
) -> None:
    settings = HeadlessSettings.model_validate({"marker": marker})
    display = PluginChoice(group="displays", kind="headless", settings=settings)
    experiment = read_experiment(toy_experiment).model_copy(
        update={"display": display, "sync": SyncSettings(code_bits=bits)}
    )
    problems = [
        problem for problem in check_experiment(experiment) if problem.key == ("sync", "code_bits")
    ]
    assert [said in problem.message for problem in problems] == [True] * (said is not None)
