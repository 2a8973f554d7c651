"""The answer to one upcall, where it arrives in pieces."""

import asyncio
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from .frames import Violation

PIECES_AHEAD = 64
"""How many pieces of an answer the host may be ahead of who asked."""

END = object()
"""What `received` returns behind the last piece."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that came at once although it was asked for in pieces."""

    value: Any


class Pieces:
    """Where the pieces wait for who asked: on the loop or on a thread, as the queue is. For its end it has the face of a
    future: `set_result` with the host's last word, or `set_exception`. All but the queue's `get` and `owes` belongs to
    the loop's thread."""

    def __init__(self, queue: asyncio.Queue[Any] | SimpleQueue[Any]) -> None:
        self.queue = queue
        self.upcall_id = 0  # none yet
        self.credits = PIECES_AHEAD
        self._began = False
        self._taken = 0

    def push(self, item: Any) -> None:
        """Raises:
        Violation: the host was not granted this piece.
        """
        if self.credits == 0:
            raise Violation("a STREAM beyond its credits")
        self.credits -= 1
        self._began = True
        self.queue.put_nowait((item, None))

    def done(self) -> bool:
        return False

    def set_result(self, value: Any) -> None:
        if not self._began and value is not None:
            self.queue.put_nowait((Whole(value), None))
        self.queue.put_nowait((END, None))

    def set_exception(self, error: BaseException) -> None:
        self.queue.put_nowait((END, error))

    def owes(self) -> int:
        """A piece was taken: how many credits the host is to get now. Half of the window at a time."""
        self._taken += 1
        if self._taken < PIECES_AHEAD // 2:
            return 0
        owed, self._taken = self._taken, 0
        return owed


def received(entry: tuple[Any, BaseException | None]) -> Any:
    """The piece that an entry of the queue is, or `END`.

    Raises:
        the error that ended the answer
    """
    piece, error = entry
    if error is not None:
        raise error
    return piece
