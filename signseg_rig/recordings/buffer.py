"""A thread that reads a recording system all the time, whatever the run is busy with."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Self

from signseg_rig.errors import ResponseError, RunStopped
from signseg_rig.interfaces import ResponseSource
from signseg_rig.recordings.stream import Stream
from signseg_rig.values import PassPlan, Recording, Shown, SourceInfo

# Systems send every 20 ms or so: an image is answered no later for it.
POLL_INTERVAL_S = 0.005
WAKE_INTERVAL_S = 0.1
# Of what came before a pass, for windows that begin before an onset.
MARGIN_S = 1.0
# Ctrl-C leaves a source that takes longer to where it is.
STOP_TIMEOUT_S = 60.0

IsWanted = Callable[[], bool]


class StreamBuffer:
    """Lets one thread use a response source, and keeps what comes until it is taken.

    Parameters
    ----------
    source : ResponseSource
        Not started; nobody else uses it from here on.

    Attributes
    ----------
    info : SourceInfo
        Once it is open.
    """

    def __init__(self, source: ResponseSource) -> None:
        self._source = source
        self._orders: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._news = threading.Condition()
        self._is_over = False
        self._failure: BaseException | None = None
        self._begun_s = float("-inf")
        self._is_in_pass = False
        # When something has come, and when the source was last asked.
        self._heard_s = self._asked_s = time.monotonic()
        self._thread = threading.Thread(target=self._serve, name="recording-system", daemon=True)
        self._started: Future[SourceInfo] = Future()

    def open(self, is_wanted: IsWanted = lambda: True) -> SourceInfo:
        """Start the source, and begin to read.

        Parameters
        ----------
        is_wanted : callable
            Asked ten times a second while the source starts.

        Returns
        -------
        info : SourceInfo

        Raises
        ------
        ResponseError
            The recording system does not answer.
        RunStopped
            It was not waited for any longer.
        """
        self._thread.start()
        info: SourceInfo = self._awaited(self._started, is_wanted)
        self.info = info
        return info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def begin(self, plan: PassPlan, is_wanted: IsWanted = lambda: True) -> None:
        """Have the source begin a pass; what came before it is forgotten, but for a second."""
        self._ordered(lambda: self._begin(plan), is_wanted)

    def saw(self, shown: Shown) -> None:
        """Tell the source what was shown; only simulated animals look."""
        self._orders.put((lambda: self._source.saw(shown), Future()))

    def end(self, plan: PassPlan, is_wanted: IsWanted = lambda: True) -> None:
        """Tell the source that nothing more of a pass will be shown."""
        self._ordered(lambda: self._source.end(plan), is_wanted)

    def take(self) -> Recording:
        """Return what was received since the pass was begun, and a second before that.

        It is let go of: what comes until the next pass is begun is kept for a second.

        Raises
        ------
        ResponseError
            The recording system has failed.
        """
        with self._news:
            self._raise_failure()
            self._is_in_pass = False
            return self._stream.recording(self._begun_s - MARGIN_S, begun_s=self._begun_s)

    def peek(self) -> Recording:
        """Return the same, but for the spikes, which take more time than all the rest."""
        with self._news:
            self._raise_failure()
            return self._stream.recording(
                self._begun_s - MARGIN_S, begun_s=self._begun_s, has_spikes=False
            )

    def wait(
        self, is_enough: Callable[[float], bool], timeout_s: float, is_wanted: IsWanted
    ) -> bool:
        """Wait until enough has been received.

        Parameters
        ----------
        is_enough : callable
            ``is_enough(complete_until_s)`` is asked whenever something has come.
        timeout_s : float, in seconds
            How long to wait at most.
        is_wanted : callable
            Asked ten times a second; waiting ends once it says False.

        Returns
        -------
        has_come : bool
            False where the time was over, or it was not wanted any longer.

        Raises
        ------
        ResponseError
            The recording system has failed.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            with self._news:
                self._raise_failure()
                until_s = self._stream.complete_until_s
            if is_enough(until_s):
                return True
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not is_wanted():
                return False
            with self._news:
                if self._failure is None and self._stream.complete_until_s <= until_s:
                    self._news.wait(min(left_s, WAKE_INTERVAL_S))

    @property
    def silent_s(self) -> float:
        """For how many seconds the recording system has been asked and had nothing to say.

        A computer that is too busy to ask it does not make it silent.
        """
        return max(self._asked_s - self._heard_s, 0.0)

    def close(self) -> None:
        """Stop the source; may be called more than once.

        Raises
        ------
        ResponseError
            The source does not come back from what it is doing.
        """
        self._is_over = True
        if self._thread.ident is None:
            return
        self._orders.put((lambda: None, Future()))
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        # In short turns: a signal that reaches another thread does not end a wait of this one.
        while self._thread.is_alive() and time.monotonic() < deadline_s:
            self._thread.join(WAKE_INTERVAL_S)
        if self._thread.is_alive():
            raise ResponseError(
                f"The response source {type(self._source).__name__} did not stop within "
                f"{STOP_TIMEOUT_S:g} s: it is still busy in 'poll', 'start' or 'stop'. This is a "
                "fault of the plugin: please report it to its author."
            )

    def _serve(self) -> None:
        try:
            info = _told(self._source, self._source.start())
            self._stream = Stream(info)
            self._started.set_result(info)
            while not self._is_over:
                self._obey()
                self._poll()
        except BaseException as error:  # noqa: BLE001 - it is raised where the run waits for data
            self._fail(error)
        finally:
            self._stop()

    def _obey(self) -> None:
        try:
            order, answer = self._orders.get(timeout=POLL_INTERVAL_S)
        except queue.Empty:
            return
        while True:
            answer.set_result(order())
            try:
                order, answer = self._orders.get_nowait()
            except queue.Empty:
                return

    def _poll(self) -> None:
        while (chunk := self._source.poll()) is not None:
            with self._news:
                self._stream.add(chunk)
                if not self._is_in_pass:
                    self._stream.forget_before(self._stream.complete_until_s - MARGIN_S)
                self._heard_s = time.monotonic()
                self._news.notify_all()
            if self._is_over or not self._orders.empty():
                return
        self._asked_s = time.monotonic()

    def _begin(self, plan: PassPlan) -> None:
        with self._news:
            self._begun_s, self._is_in_pass = self._stream.complete_until_s, True
            self._stream.forget_before(self._begun_s - MARGIN_S)
        self._source.begin(plan)

    def _stop(self) -> None:
        try:
            self._source.stop()
        except BaseException as error:  # noqa: BLE001 - it is raised where the run ends
            if self._failure is None:
                self._fail(error)
            else:
                # The first error says what is wrong.
                self._failure.add_note(f"It could not be disconnected either: {error}")

    def _fail(self, error: BaseException) -> None:
        with self._news:
            self._failure = error
            self._news.notify_all()
        if not self._started.done():
            self._started.set_exception(error)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _ordered(self, order: Callable[[], Any], is_wanted: IsWanted) -> None:
        answer: Future[Any] = Future()
        self._orders.put((order, answer))
        self._awaited(answer, is_wanted)

    def _awaited(self, answer: Future[Any], is_wanted: IsWanted) -> Any:
        while True:
            try:
                return answer.result(WAKE_INTERVAL_S)
            except FutureTimeoutError:
                # A TimeoutError of the source itself is its answer.
                if answer.done():
                    raise
            self._raise_failure()
            if not is_wanted():
                raise RunStopped("The run was stopped while the recording system was waited for.")


def _told(source: ResponseSource, info: object) -> SourceInfo:
    if not isinstance(info, SourceInfo):
        raise ResponseError(
            f"The response source {type(source).__name__} was started and does not tell its units: "
            f"'start' gave a {type(info).__name__} in place of a SourceInfo. This is a fault of "
            "the plugin: please report it to its author."
        )
    return info
