"""Loop and display over real sockets: what is asked is shown, what is wrong is refused."""

import socket
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import zmq
import zmq.utils.monitor

from signseg_rig.errors import DisplayError, DisplayTimeoutError, WireError
from signseg_rig.experiment import Experiment, WireSettings
from signseg_rig.values import ImageArray, Order, Placement, View, array_sha256
from signseg_rig.wire.events import LateOnsets, Lost, Rejection
from signseg_rig.wire.frames import Message, encode
from signseg_rig.wire.link import DisplayLink, DisplayLost
from signseg_rig.wire.messages import (
    MAX_BYTES_TO_LOOP,
    Goodbye,
    Halt,
    Hello,
    Image,
    Ping,
    Place,
    PlacedKey,
    Preload,
    Preloaded,
    Reintroduce,
    Show,
    ShowDone,
    ShowItem,
    ShownReport,
    Trouble,
)

CENTRE = Place(position_deg=[0.0, 0.0], size_deg=None)


def images(n: int, *, size_px: int = 16, seed: int = 0) -> dict[View, ImageArray]:
    rng = np.random.default_rng(seed)
    made = [rng.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8) for _ in range(n)]
    return {View(array_sha256(image), Placement()): image for image in made}


def presentations(views: list[View]) -> list[Order]:
    return [Order(f"p{index}", view) for index, view in enumerate(views)]


def show(link: DisplayLink, keys: list[View], **changes: Any) -> list[Any]:
    orders: dict[str, Any] = {
        "on_frames": 6,
        "off_frames": 3,
        "is_wanted": lambda: True,
        "meanwhile": lambda: None,
    }
    return list(link.show(presentations(keys), **{**orders, **changes}))


def drain(link: DisplayLink, meanwhile: Callable[[], None] = lambda: None) -> None:
    while True:
        meanwhile()
        link._next_event(0.1)


def connected(link: DisplayLink) -> DisplayLink:
    assert link.wait_until_connected(lambda: True)
    return link


def test_shows_what_was_preloaded(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    block = images(4)
    with open_link(wire) as link:
        start_display(experiment)
        connected(link).preload(block)
        shown = show(link, [*block, next(iter(block))])
    assert [item.presentation_id for item in shown] == ["p0", "p1", "p2", "p3", "p4"]
    keys = [view.pixels_sha256 for view in (*block, next(iter(block)))]
    assert [item.pixels_sha256 for item in shown] == keys
    assert all(item.n_frames == 6 for item in shown)
    period_s = 1 / experiment.monitor.refresh_rate_hz
    assert np.diff([item.onset_s for item in shown]) == pytest.approx(9 * period_s)


def test_images_are_sent_once_and_kept(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    first, second = images(3), images(3, seed=1)
    with open_link(wire) as link:
        display = start_display(experiment)
        connected(link).preload(first)
        link.preload(second, keep=first)
        assert len(show(link, [*first, *second])) == 6
        link.preload(first)  # nothing to send: the display still holds them
        held = {name.partition("@")[0] for name in display.process._held}
        assert held == {view.pixels_sha256 for view in first}


def test_next_block_is_preloaded_while_one_is_shown(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    first, second = images(5), images(5, seed=1)
    with open_link(wire) as link:
        start_display(experiment)
        connected(link).preload(first)
        shown = show(link, [*first], meanwhile=lambda: link.preload(second, keep=first))
        assert len(shown) == 5
        assert len(show(link, [*second])) == 5


def test_halt_finishes_the_presentation_on_the_screen(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    slow = experiment.model_copy(
        update={"display": experiment.display.model_copy(update={"settings": realtime(experiment)})}
    )
    block = images(20)
    wanted = iter([True, True])
    with open_link(wire) as link:
        start_display(slow)
        connected(link).preload(block)
        shown = show(link, [*block], is_wanted=lambda: next(wanted, False))
        assert 1 <= len(shown) < 20
        assert all(item.n_frames == 6 for item in shown)
        assert len(show(link, [*block][:2])) == 2


def realtime(experiment: Experiment) -> Any:
    return experiment.display.settings.model_copy(update={"pacing": "realtime"})


def test_display_that_leaves_is_lost_and_a_new_one_is_taken(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
) -> None:
    block = images(3)
    with open_link(wire) as link:
        first = start_display(experiment)
        connected(link).preload(block)
        first.process._is_over = True
        first.join()
        with pytest.raises(DisplayLost):
            link.preload(block)
        assert link.hello is None
        start_display(experiment)
        connected(link).preload(block)
        assert len(show(link, [*block])) == 3
    assert len(link_events.of(Lost)) == 1


def test_silent_display_is_given_up(
    impatient_wire: WireSettings, open_link: Callable, raw_peer: Callable, hello: Hello
) -> None:
    with open_link(impatient_wire) as link:
        peer = raw_peer(impatient_wire)
        peer.send_multipart(encode(Message(hello)))
        connected(link)
        with pytest.raises(DisplayLost, match="silent"):
            link.preload(images(1))


def test_display_that_was_given_up_can_still_say_what_went_wrong(
    impatient_wire: WireSettings, open_link: Callable, raw_peer: Callable, hello: Hello
) -> None:
    with open_link(impatient_wire) as link:
        peer = raw_peer(impatient_wire)
        peer.send_multipart(encode(Message(hello)))
        connected(link)
        header = peer.recv_json()
        with pytest.raises(DisplayLost, match="silent"):
            drain(link)
        last_word = Trouble(message="The graphics card is out of memory.")
        peer.send_multipart(encode(Message(last_word, header["run"], header["session"], 1)))
        with pytest.raises(DisplayError, match="display reports: The graphics card"):
            link.wait_until_connected(lambda: True)
        assert link.rejection_counts == {}


def test_display_that_cannot_be_reached_can_still_say_what_went_wrong(
    wire: WireSettings,
    open_link: Callable,
    raw_peer: Callable,
    hello: Hello,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_link(wire) as link:
        peer = raw_peer(wire)
        peer.send_multipart(encode(Message(hello)))
        connected(link)
        header = peer.recv_json()
        with monkeypatch.context() as patch:
            # The loop sends before it has read what the display said on leaving.
            patch.setattr(link._server, "_receive_turn", lambda: None)
            patched_s = time.perf_counter()
            while peer.recv_json()["body"]["loop_s"] < patched_s:
                pass  # it may still be reading
            for number, body in enumerate((Trouble(message="No memory."), Goodbye(reason="bye"))):
                message = Message(body, header["run"], header["session"], number + 1)
                peer.send_multipart(encode(message))
            peer.close(linger=10_000)
            with pytest.raises(DisplayLost, match="cannot be reached"):
                drain(link, meanwhile=lambda: link._send(Halt()))
        with pytest.raises(DisplayError, match="display reports: No memory"):
            link.wait_until_connected(lambda: True)
        assert link.rejection_counts == {}


def test_trouble_of_an_unknown_peer_ends_no_run(
    impatient_wire: WireSettings, open_link: Callable, raw_peer: Callable, hello: Hello
) -> None:
    with open_link(impatient_wire) as link:
        display = raw_peer(impatient_wire)
        display.send_multipart(encode(Message(hello)))
        connected(link)
        header = display.recv_json()
        stranger = raw_peer(impatient_wire)
        trouble = Trouble(message="This is not your display.")
        stranger.send_multipart(encode(Message(trouble, header["run"], header["session"], 1)))
        assert stranger.recv_json()["kind"] == "reintroduce"
        with pytest.raises(DisplayLost, match="silent"):
            drain(link)
        assert link.rejection_counts == {"unknown peer": 1}


def test_no_display_is_an_error_that_says_what_to_start(
    wire: WireSettings, open_link: Callable
) -> None:
    impatient = wire.model_copy(update={"connect_timeout_s": 0.2})
    with (
        open_link(impatient) as link,
        pytest.raises(DisplayTimeoutError, match="signseg-rig display"),
    ):
        link.wait_until_connected(lambda: True)


def test_garbage_is_no_display_that_was_refused(
    wire: WireSettings, open_link: Callable, raw_peer: Callable
) -> None:
    with open_link(wire.model_copy(update={"connect_timeout_s": 0.2})) as link:
        raw_peer(wire).send_multipart([b"garbage"])
        while not link.rejection_counts:
            link.attend(0.1)
        with pytest.raises(DisplayTimeoutError, match="Start it on the stimulus computer"):
            link.wait_until_connected(lambda: True)


def test_what_is_wrong_with_a_display_is_told_when_it_connects(
    wire: WireSettings,
    open_link: Callable,
    raw_peer: Callable,
    hello: Hello,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with open_link(wire) as link:
        told = hello.model_copy(update={"notes": ["The gamma of 2.2 was not applied."]})
        raw_peer(wire).send_multipart(encode(Message(told)))
        connected(link)
    assert "a raw peer: The gamma of 2.2 was not applied." in caplog.messages


def test_waiting_for_a_display_can_be_stopped(wire: WireSettings, open_link: Callable) -> None:
    with open_link(wire) as link:
        assert link.wait_until_connected(lambda: False) is False


def test_second_display_is_refused(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
    hello: Hello,
    raw_peer: Callable,
) -> None:
    with open_link(wire) as link:
        start_display(experiment)
        connected(link)
        peer = raw_peer(wire)
        peer.send_multipart(encode(Message(hello)))
        assert b'"busy"' in peer.recv_multipart()[0]
        link.preload(images(2))
    assert [event.fault for event in link_events.of(Rejection)] == ["second display"]


def test_display_with_other_settings_is_refused(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    short = wire.model_copy(update={"connect_timeout_s": 5.0})
    with open_link(short, lambda hello: f"{hello.name} has another monitor") as link:
        display = start_display(experiment)
        display.join()
        assert not link.wait_until_connected(lambda: False)
    assert "another monitor" in str(display.error)


@pytest.mark.parametrize(
    "frames",
    [
        [b"garbage"],
        [b"\x00" * 4096, b"\xff" * 4096],
        [b"[" * 100_000],
        [b"{}", b"", b"", b""],
        [b'{"v":3,"kind":"hello","run":"","session":"","seq":0,"body":{"display_id":5}}'],
        [b"{}"] * 5000,
    ],
)
def test_garbage_is_counted_and_the_run_goes_on(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    raw_peer: Callable,
    frames: list[bytes],
) -> None:
    block = images(3)
    with open_link(wire) as link:
        start_display(experiment)
        connected(link).preload(block)
        raw_peer(wire).send_multipart(frames)
        while not link.rejection_counts:
            assert len(show(link, [*block])) == 3
        assert sum(link.rejection_counts.values()) == 1


def test_wrong_version_is_told_to_the_display(
    wire: WireSettings, open_link: Callable, raw_peer: Callable
) -> None:
    with open_link(wire) as link:
        peer = raw_peer(wire)
        peer.send(b'{"v":99,"kind":"hello","run":"","session":"","seq":0,"body":{}}')
        answer = peer.recv_multipart()[0]
        assert b'"version"' in answer
        assert b"same version" in answer
        assert link.rejection_counts == {"version": 1}


def test_stale_and_replayed_messages_are_refused(
    wire: WireSettings, open_link: Callable, raw_peer: Callable, hello: Hello
) -> None:
    with open_link(wire) as link:
        peer = raw_peer(wire)
        peer.send_multipart(encode(Message(hello)))
        connected(link)
        header = peer.recv_json()
        report = ShownReport(
            number=1,
            id="p0",
            key="0" * 64,
            onset_s=0.0,
            offset_s=0.1,
            n_frames=6,
            n_dropped_frames=0,
            code=None,
        )
        run, session = header["run"], header["session"]
        for mark in ((run, session, 1), (run, session, 1), (run, "old", 2), ("other", session, 3)):
            peer.send_multipart(encode(Message(report, *mark)))
        peer.send_multipart(encode(Message(hello)))  # said again, not anew
        anew = hello.model_copy(update={"visit": 1})
        peer.send_multipart(encode(Message(anew)))
        with pytest.raises(DisplayLost, match="started anew"):
            drain(link)
        assert link.rejection_counts == {"replayed": 1, "stale": 2}


@pytest.mark.parametrize("end", ["done", "lost"])
@pytest.mark.parametrize(
    ("n_frames_late", "events"), [(0, []), (2, [LateOnsets(1, pytest.approx(0.05 + 2 / 60))])]
)
def test_background_that_stays_too_long_is_noted(
    wire: WireSettings,
    open_link: Callable,
    raw_peer: Callable,
    hello: Hello,
    link_events: Any,
    n_frames_late: int,
    events: list[LateOnsets],
    end: str,
) -> None:
    views = [View("0" * 64, Placement())] * 3
    onsets_s = [1.0, 1.15, 1.3 + n_frames_late / 60]
    with open_link(wire) as link:
        peer = raw_peer(wire)
        peer.send_multipart(encode(Message(hello)))
        connected(link)
        header = peer.recv_json()
        reports = [
            ShownReport(
                number=1,
                id=f"p{index}",
                key=views[index].pixels_sha256,
                onset_s=onset_s,
                offset_s=onset_s + 0.1,
                n_frames=6,
                n_dropped_frames=0,
                code=None,
            )
            for index, onset_s in enumerate(onsets_s)
        ]
        last = ShowDone(number=1, n_shown=3) if end == "done" else Goodbye(reason="closed")
        for number, body in enumerate([*reports, last]):
            message = Message(body, header["run"], header["session"], number + 1)
            peer.send_multipart(encode(message))
        with pytest.raises(DisplayLost) if end == "lost" else nullcontext():
            assert [item.onset_s for item in show(link, views)] == onsets_s
    assert link_events.of(LateOnsets) == events


def test_unknown_peer_is_asked_to_introduce_itself(
    wire: WireSettings, open_link: Callable, raw_peer: Callable
) -> None:
    with open_link(wire):
        peer = raw_peer(wire)
        peer.send_multipart(encode(Message(Ping(loop_s=0.0), "run", "s", 1)))
        assert peer.recv_json()["kind"] == "reintroduce"


@pytest.mark.parametrize("n_bytes", [MAX_BYTES_TO_LOOP + 1, 2**27])
def test_message_of_any_size_cuts_the_sender_off_only(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    raw_peer: Callable,
    n_bytes: int,
) -> None:
    block = images(2)
    with open_link(wire) as link:
        start_display(experiment)
        connected(link).preload(block)
        peer = raw_peer(wire)
        monitor = peer.get_monitor_socket()
        peer.send(bytes(n_bytes))
        while zmq.utils.monitor.recv_monitor_message(monitor)["event"] != zmq.EVENT_DISCONNECTED:
            pass
        peer.disable_monitor()
        monitor.close(linger=0)
        assert len(show(link, [*block])) == 2


def test_something_else_on_the_port_is_no_harm(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    host, port = urlsplit(wire.address).hostname, urlsplit(wire.address).port
    block = images(2)
    with open_link(wire) as link:
        start_display(experiment)
        connected(link).preload(block)
        with socket.create_connection((host, port)) as web_browser:
            web_browser.sendall(b"GET / HTTP/1.1\r\nHost: rig\r\n\r\n")
            assert len(show(link, [*block])) == 2


def test_fault_of_the_server_ends_the_run_and_not_the_program(
    wire: WireSettings, open_link: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    with open_link(wire) as link:
        monkeypatch.setattr(link._server, "_receive_turn", fail)
        with pytest.raises(WireError, match=r"RuntimeError\('a bug'\)"):
            link.wait_until_connected(lambda: True)
        for _ in range(2000):  # more than a socket that nobody reads would take
            link._send(Halt())
    open_link(wire).__enter__().__exit__(None)  # the address is free again


def test_taken_address_is_a_sentence(wire: WireSettings, open_link: Callable) -> None:
    with open_link(wire), pytest.raises(WireError, match="Is another run going on"):
        open_link(wire).__enter__()


def test_ipv6_address_is_one_like_any_other(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            address = f"tcp://[::1]:{probe.getsockname()[1]}"
    except OSError:
        pytest.skip("This machine has no IPv6.")
    wire = wire.model_copy(update={"address": address})
    with open_link(wire) as link:
        start_display(experiment.model_copy(update={"wire": wire}))
        connected(link)


def test_clock_of_the_display_is_estimated(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    with open_link(wire) as link:
        start_display(experiment)
        connected(link)
        while (estimate := link.clock_estimate()) is None:
            link._next_event(0.01)
    assert estimate.n_heartbeats >= 1
    assert np.isfinite(estimate.offset_s)


def test_keys_pressed_at_the_display_reach_the_loop(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_link(wire) as link:
        display = start_display(experiment)
        connected(link)
        keys = iter([["p"], ["q"]])
        monkeypatch.setattr(display.screen, "pressed_keys", lambda: next(keys, []))
        while link_events.keys != ["p", "q"]:
            link._next_event(1.0)


def test_display_that_is_busy_hears_that_the_run_is_over(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    slow = experiment.model_copy(
        update={"display": experiment.display.model_copy(update={"settings": realtime(experiment)})}
    )
    block = images(3)
    with open_link(wire) as link:
        display = start_display(slow)
        connected(link).preload(block)
        next(
            link.show(
                presentations([*block]),
                on_frames=6,
                off_frames=3,
                is_wanted=lambda: True,
                meanwhile=lambda: None,
            )
        )
    display.join()
    assert display.error is None  # had it not heard, it would have missed the loop in the end


def test_keys_reach_the_loop_while_a_block_is_shown(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = images(30)
    with open_link(wire) as link:
        display = start_display(experiment)
        connected(link).preload(block)
        n_shown = 0

        def pressed_keys() -> list[str]:
            # Once the block is over it is too late for a wish to end it.
            return ["q"] if display.process._orders is not None else []

        monkeypatch.setattr(display.screen, "pressed_keys", pressed_keys)
        for _report in link.show(
            presentations([*block]),
            on_frames=6,
            off_frames=3,
            is_wanted=lambda: True,
            meanwhile=lambda: None,
        ):
            n_shown += 1
            if n_shown == 2:
                assert link_events.keys == ["q"]
        assert n_shown == 30


@pytest.mark.parametrize("n_images", [1, 40])  # the last are sent to a display that is gone
def test_display_that_cannot_show_an_image_says_so_before_it_leaves(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    n_images: int,
) -> None:
    with open_link(wire) as link:
        display = start_display(experiment)
        with pytest.raises(DisplayError, match=r"display reports: .*500 x 500 px.*320 x 240 px"):
            connected(link).preload(images(n_images, size_px=500))
        display.join()
    assert isinstance(display.error, DisplayError)


def test_image_that_is_too_large_for_a_message_is_refused_before_it_is_sent(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    with open_link(wire) as link:
        start_display(experiment)
        connected(link)
        for shape in ((5000, 5000, 3), (17_000, 1, 3)):
            image = np.zeros(shape, dtype=np.uint8)
            with pytest.raises(WireError, match=f"{shape[1]} x {shape[0]} px cannot be sent"):
                link.preload({View(array_sha256(image), Placement()): image})
        link.preload(images(1))


def test_display_obeys_a_loop_that_comes_back_while_it_still_shows(
    wire: WireSettings, experiment: Experiment, start_display: Callable, raw_loop: Any
) -> None:
    slow = experiment.model_copy(
        update={"display": experiment.display.model_copy(update={"settings": realtime(experiment)})}
    )
    start_display(slow)
    for number, ((key, _placement), pixels) in enumerate(images(2).items()):
        raw_loop.welcome(f"session {number}")
        raw_loop.say(Image(place=CENTRE), pixels=pixels, key=key)
        raw_loop.say(Preload(number=number, views=[PlacedKey(key=key, place=CENTRE)]))
        assert raw_loop.hear(Preloaded).missing == []
        items = [ShowItem(id=f"p{number}", view=PlacedKey(key=key, place=CENTRE), code=None)]
        raw_loop.say(Show(number=number, items=items, on_frames=40, off_frames=1))
        if number == 0:  # the loop was gone for a moment, and the image is still on the screen
            raw_loop.say(Reintroduce())
    report = raw_loop.hear(ShownReport)
    assert (report.number, report.id, report.key) == (1, "p1", key)
    assert raw_loop.hear(ShowDone).n_shown == 1
    raw_loop.say(Goodbye(reason="the run is over"))
    raw_loop.hear(Goodbye)
