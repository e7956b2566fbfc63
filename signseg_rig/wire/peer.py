"""The marks that make a message acceptable: run, session and sequence, kept for one peer."""

from __future__ import annotations

import logging
from collections import Counter

from signseg_rig.wire.frames import Message
from signseg_rig.wire.messages import Body

log = logging.getLogger(__name__)


class Rejections:
    """Counts what was not acceptable, and logs the first of each kind and then ever fewer."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, fault: str, detail: str) -> bool:
        """Count one rejection.

        Returns
        -------
        is_notable : bool
            Whether it is the first, second, fourth, eighth ... of its kind: a flood of garbage
            must not become a flood of log lines.
        """
        self.counts[fault] += 1
        n = self.counts[fault]
        is_notable = n & (n - 1) == 0
        if is_notable:
            log.warning("Rejected a message (%s, number %d): %s", fault, n, detail)
        return is_notable


class Conversation:
    """One side of the messages between a loop and a display within one session.

    Parameters
    ----------
    run_id : str
    session : str
        Random, made by the loop at each greeting: what was sent before it is stale.
    """

    def __init__(self, run_id: str, session: str) -> None:
        self.run_id = run_id
        self.session = session
        self._last_sent = 0
        self._last_received = 0

    def outgoing(self, body: Body) -> Message:
        """Give a message its marks."""
        self._last_sent += 1
        return Message(body, self.run_id, self.session, self._last_sent)

    def fault_of(self, message: Message) -> tuple[str, str] | None:
        """Return why a received message does not belong here, or None where it does."""
        kind = message.body.kind
        if (message.session, message.run_id) != (self.session, self.run_id):
            theirs = f"run {message.run_id!r}, session {message.session!r}"
            ours = f"run {self.run_id!r}, session {self.session!r}"
            return "stale", f"a {kind!r} message of {theirs}; this is {ours}"
        if message.sequence <= self._last_received:
            numbers = f"{message.sequence} after {self._last_received}"
            return "replayed", f"a {kind!r} message with the number {numbers}"
        self._last_received = message.sequence
        return None
