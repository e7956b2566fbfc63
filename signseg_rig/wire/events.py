"""What happens at the loop's end of the wire."""

from __future__ import annotations

from dataclasses import dataclass

from signseg_rig.wire.messages import Body, Hello


@dataclass(frozen=True, slots=True)
class Connected:
    """A display said hello and is welcome; its connection has this number."""

    hello: Hello
    connection: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The display of this connection is gone."""

    reason: str
    connection: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message or a peer was not acceptable."""

    fault: str
    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server itself failed, and serves no more."""

    error: Exception


@dataclass(frozen=True, slots=True)
class LateOnsets:
    """Images of one pass came later than ordered: the background before them stayed too long.

    Parameters
    ----------
    n_late : int
    longest_s : float, in seconds
        The longest background, from one image's offset to the next one's onset.
    """

    n_late: int
    longest_s: float


Event = Connected | Lost | Rejection | Failed | Body
