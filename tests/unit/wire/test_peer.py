"""Stale and replayed messages are told apart from those of this conversation."""

from signseg_rig.wire.frames import Message
from signseg_rig.wire.messages import Halt
from signseg_rig.wire.peer import Conversation, Rejections


def test_takes_what_the_other_side_says() -> None:
    ours, theirs = Conversation("run", "s"), Conversation("run", "s")
    assert all(theirs.fault_of(ours.outgoing(Halt())) is None for _ in range(5))


def test_refuses_a_message_that_comes_twice() -> None:
    ours, theirs = Conversation("run", "s"), Conversation("run", "s")
    message = ours.outgoing(Halt())
    assert theirs.fault_of(message) is None
    fault = theirs.fault_of(message)
    assert fault is not None
    assert fault[0] == "replayed"


def test_refuses_another_run_and_another_session() -> None:
    conversation = Conversation("run", "s")
    for message in (Message(Halt(), "run", "old", 1), Message(Halt(), "other", "s", 1)):
        fault = conversation.fault_of(message)
        assert fault is not None
        assert fault[0] == "stale"


def test_a_flood_is_counted_but_seldom_notable() -> None:
    rejections = Rejections()
    notable = sum(rejections.add("header", "garbage") for _ in range(1000))
    assert rejections.counts["header"] == 1000
    assert notable == 10  # 1, 2, 4, ... 512
