"""What a call sends while it runs: STREAM frames, as many as the host grants credits for."""

import asyncio
import threading
from typing import Any

from .codec import to_wire
from .connection import Connection
from .errors import CallError, too_large
from .forks import leave_if_child
from .frames import FrameTooLarge
from .kinds import Kind
from .outbox import Message


class CallEnded(BaseException):
    """The call has been answered (cancelled or late). Not an `Exception`: user code must not swallow it."""


class CallStream:
    """The items of one call. Without credits its producer waits, and while the host leaves too much unread; the end of the
    call ends the wait.

    `send` and `send_from_thread` are for the producer, which is either on the loop or on a thread; everything else
    belongs to the loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection, call_id: int, credits: int) -> None:
        self._loop = loop
        self._connection = connection
        self._id = call_id
        self._credits = credits
        self._ended = False
        self._room_asked = False
        self._changed = threading.Condition()  # of the three above
        self._wake = asyncio.Event()

    async def send(self, item: Any) -> None:
        """Sends an item from the loop.

        Raises:
            CallEnded
            CallError: `result_too_large`
            Unserializable
        """
        message = self._message(item)
        while not self._take():
            self._wake.clear()
            await self._wake.wait()
        self._connection.send_encoded(message)

    def send_from_thread(self, item: Any) -> None:
        """The same from a thread, which waits."""
        leave_if_child()
        message = self._message(item)
        with self._changed:
            self._changed.wait_for(self._take)
        self._loop.call_soon_threadsafe(self._send_late, message)

    def grant(self, credits: int) -> None:
        """The host takes further items."""
        with self._changed:
            self._credits += credits
            self._changed.notify_all()
        self._wake.set()

    def end(self) -> None:
        """The call is being answered: nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._wake.set()

    def _take(self) -> bool:
        """Takes a credit; whether there was one, and room for an item."""
        if self._ended:
            raise CallEnded
        if self._credits == 0:
            return False
        if not self._connection.has_room:
            if not self._room_asked:
                self._room_asked = True
                self._loop.call_soon_threadsafe(self._connection.when_room, self._on_room)
            return False
        self._credits -= 1
        return True

    def _on_room(self) -> None:
        with self._changed:
            self._room_asked = False
            self._changed.notify_all()
        self._wake.set()

    def _send_late(self, message: Message) -> None:
        if not self._ended:  # it may have been answered since the thread looked
            self._connection.send_encoded(message)

    def _message(self, item: Any) -> Message:
        try:
            return self._connection.encode(Kind.STREAM, [self._id, to_wire(item)])
        except FrameTooLarge as error:
            raise too_large("An item", error) from None
