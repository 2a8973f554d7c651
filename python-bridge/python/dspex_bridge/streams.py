"""What a call sends while it runs: STREAM frames, as many as the host grants credits for."""

import asyncio
import threading
from typing import Any

from .codec import to_wire
from .connection import Connection
from .errors import CallError, too_large
from .frames import FrameTooLarge, encode_frame
from .messages import Kind


class CallEnded(BaseException):
    """The call has been answered (cancelled or late). Not an `Exception`: user code must not swallow it."""


class CallStream:
    """The items of one call. Without credits its producer waits; the end of the call ends the wait.

    `send` and `send_from_thread` are for the producer, which is either on the loop or on a thread; everything else
    belongs to the loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection, call_id: int, credits: int) -> None:
        self._loop = loop
        self._connection = connection
        self._id = call_id
        self._credits = credits
        self._ended = False
        self._changed = threading.Condition()  # of the two above
        self._wake = asyncio.Event()

    async def send(self, item: Any) -> None:
        """Sends an item from the loop.

        Raises:
            CallEnded
            CallError: `result_too_large`
            Unserializable
        """
        frame = self._frame(item)
        while not self._take():
            self._wake.clear()
            await self._wake.wait()
        self._connection.send_encoded(frame)

    def send_from_thread(self, item: Any) -> None:
        """The same from a thread, which waits."""
        frame = self._frame(item)
        with self._changed:
            self._changed.wait_for(self._take)
        self._loop.call_soon_threadsafe(self._send_late, frame)

    def grant(self, credits: int) -> None:
        """The host takes further items."""
        with self._changed:
            self._credits += credits
            self._changed.notify_all()
        self._wake.set()

    def end(self) -> None:
        """The call has been answered: nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._wake.set()

    def _take(self) -> bool:
        """Takes a credit; whether there was one."""
        if self._ended:
            raise CallEnded
        if self._credits == 0:
            return False
        self._credits -= 1
        return True

    def _send_late(self, frame: bytes) -> None:
        if not self._ended:  # it may have been answered since the thread looked
            self._connection.send_encoded(frame)

    def _frame(self, item: Any) -> bytes:
        try:
            return encode_frame(Kind.STREAM, [self._id, to_wire(item)], self._connection.peer_takes)
        except FrameTooLarge as error:
            raise too_large("An item", error) from None
