"""Questions of running calls to the host: UPCALL, UPRESULT, UPCANCEL."""

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any

from .connection import Connection
from .frames import FrameTooLarge
from .messages import Kind, Upresult

if TYPE_CHECKING:
    from .calls import Call

MAX_WAITING = 10_000
"""Questions of one worker that wait for the host at a time."""


class HostError(Exception):
    """The host answered a question with an error: `code` is the host's, `details` what it says about it."""

    def __init__(self, error: Any) -> None:
        fields = error if isinstance(error, dict) else {}
        self.code = str(fields.get("code", ""))
        self.message = str(fields.get("message", ""))
        details = fields.get("details")
        self.details: dict[str, Any] = details if isinstance(details, dict) else {}
        super().__init__(self.message)


class UpcallRefused(Exception):
    """The question was not sent: it is too large, or too many wait already."""


class CallEnded(BaseException):
    """The call that asks has been answered (cancelled or late). Not an `Exception`: user code must not swallow it."""


Reply = asyncio.Future[Any] | concurrent.futures.Future[Any]


class Upcalls:
    """The table of questions that wait for the host. Everything but `ask_from_thread` belongs to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
        self._loop = loop
        self._connection = connection
        self._waiting: dict[int, tuple["Call", Reply]] = {}
        self._last_id = 0

    async def ask(self, call: "Call", kind: str, payload: Any) -> Any:
        """Asks the host with plain data and waits for its reply; cancellation tells the host that nobody waits any more.

        Raises:
            HostError, UpcallRefused, CallEnded
        """
        reply: asyncio.Future[Any] = self._loop.create_future()
        upcall_id = self._send(call, kind, payload, reply)
        try:
            return await reply
        finally:
            if reply.cancelled():
                self._give_up(upcall_id)

    def ask_from_thread(self, call: "Call", kind: str, payload: Any) -> Any:
        """The same for code on a thread, which it blocks.

        Raises:
            HostError, UpcallRefused, CallEnded
        """
        reply: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._loop.call_soon_threadsafe(self._send_for_thread, call, kind, payload, reply)
        return reply.result()

    def resolve(self, message: Upresult) -> None:
        """Hands a reply to whoever waits for it; a reply to a question that was given up is dropped."""
        entry = self._waiting.pop(message.id, None)
        if entry is None:
            return
        call, reply = entry
        call.upcalls.discard(message.id)
        if reply.done():
            return
        if message.ok:
            reply.set_result(message.value)
        else:
            reply.set_exception(HostError(message.value))

    def end(self, call: "Call") -> None:
        """Gives up every question of a call that has been answered."""
        for upcall_id in list(call.upcalls):
            _, reply = self._waiting[upcall_id]
            self._give_up(upcall_id)
            if isinstance(reply, asyncio.Future):
                reply.cancel()
            else:
                reply.set_exception(CallEnded())

    def _send_for_thread(self, call: "Call", kind: str, payload: Any, reply: Reply) -> None:
        try:
            self._send(call, kind, payload, reply)
        except BaseException as error:
            reply.set_exception(error)

    def _send(self, call: "Call", kind: str, payload: Any, reply: Reply) -> int:
        if call.settled:
            raise CallEnded
        if len(self._waiting) >= MAX_WAITING:
            raise UpcallRefused(f"{MAX_WAITING} requests of this worker wait for the host already")
        self._last_id += 1
        upcall_id = self._last_id
        try:
            self._connection.send(Kind.UPCALL, [upcall_id, call.id, kind, payload])
        except FrameTooLarge as error:
            raise UpcallRefused(f"the request is too large for the host: {error}") from None
        self._waiting[upcall_id] = (call, reply)
        call.upcalls.add(upcall_id)
        return upcall_id

    def _give_up(self, upcall_id: int) -> None:
        entry = self._waiting.pop(upcall_id, None)
        if entry is not None:
            entry[0].upcalls.discard(upcall_id)
            self._connection.send(Kind.UPCANCEL, [upcall_id])
