"""Questions of running calls to the host: UPCALL, UPRESULT, UPCANCEL."""

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, Generator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from . import forks
from .connection import Connection
from .errors import HostError
from .frames import FrameTooLarge, Violation
from .messages import Kind, Piece, Upresult
from .pieces import END, PIECES_AHEAD, Pieces, received
from .streams import CallEnded

if TYPE_CHECKING:
    from .calls import Call

MAX_WAITING = 10_000
"""Questions of one worker that wait for the host at a time."""


class UpcallRefused(Exception):
    """The question was not sent: it is too large, or too many wait already."""


Reply = asyncio.Future[Any] | concurrent.futures.Future[Any] | Pieces


class Upcalls:
    """The table of questions that wait for the host. Everything but `…_from_thread` belongs to the loop's thread."""

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
        await self._room()
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

    async def stream(self, call: "Call", kind: str, payload: dict[str, Any]) -> AsyncGenerator[Any, None]:
        """Asks for an answer in pieces and yields them; one `Whole` where the host answers at once.

        Raises:
            HostError, UpcallRefused, CallEnded
        """
        await self._room()
        pieces = Pieces(asyncio.Queue())
        self._send_question(call, kind, payload, pieces)
        try:
            while (item := received(await pieces.queue.get())) is not END:
                yield item
                if owed := pieces.owes():
                    self._grant(pieces, owed)
        finally:
            self._give_up(pieces.upcall_id)

    def stream_from_thread(self, call: "Call", kind: str, payload: dict[str, Any]) -> Generator[Any, None, None]:
        """The same for code on a thread, which it blocks."""
        pieces = Pieces(SimpleQueue())
        self._loop.call_soon_threadsafe(self._send_for_thread, call, kind, payload, pieces)
        try:
            while (item := received(pieces.queue.get())) is not END:
                yield item
                if owed := pieces.owes():
                    self._loop.call_soon_threadsafe(self._grant, pieces, owed)
        finally:
            self._loop.call_soon_threadsafe(self._give_up, pieces.upcall_id)

    def take_piece(self, message: Piece) -> None:
        """Hands a piece of an answer to whoever waits for it; one of a question that was given up is dropped.

        Raises:
            Violation: nobody asked for it.
        """
        entry = self._waiting.get(message.id)
        if entry is None:
            return
        pieces = entry[1]
        if not isinstance(pieces, Pieces):
            raise Violation("a STREAM for an upcall that is no stream")
        pieces.push(message.item)

    def resolve(self, message: Upresult) -> None:
        """Hands a reply to whoever waits for it; a reply to a question that was given up is dropped."""
        entry = self._waiting.pop(message.id, None)
        if entry is None:
            return
        call, reply = entry
        call.open_upcalls.discard(message.id)
        if reply.done():
            return
        if message.ok:
            reply.set_result(message.value)
        else:
            reply.set_exception(HostError(message.value))

    def end(self, call: "Call") -> None:
        """Gives up every question of a call that has been answered: also of one that has finished, and left them to a
        task or thread of its own."""
        for upcall_id in list(call.open_upcalls):
            _, reply = self._waiting[upcall_id]
            self._give_up(upcall_id)
            if isinstance(reply, asyncio.Future):
                reply.cancel()
            else:
                reply.set_exception(CallEnded())

    async def _room(self) -> None:
        """Waits until the host has read most of what it was sent."""
        while not self._connection.has_room:
            room: asyncio.Future[None] = self._loop.create_future()
            self._connection.when_room(lambda room=room: None if room.done() else room.set_result(None))
            await room

    def _send_for_thread(self, call: "Call", kind: str, payload: Any, reply: Reply) -> None:
        self._connection.when_room(lambda: self._send_now_for_thread(call, kind, payload, reply))

    def _send_now_for_thread(self, call: "Call", kind: str, payload: Any, reply: Reply) -> None:
        try:
            self._send_question(call, kind, payload, reply)
        except BaseException as error:
            reply.set_exception(error)

    def _send_question(self, call: "Call", kind: str, payload: Any, reply: Reply) -> None:
        if isinstance(reply, Pieces):
            reply.upcall_id = self._send(call, kind, {**payload, "stream": {"credits": PIECES_AHEAD}}, reply)
        else:
            self._send(call, kind, payload, reply)

    def _grant(self, pieces: Pieces, credits: int) -> None:
        if pieces.upcall_id in self._waiting:
            pieces.credits += credits
            self._connection.send(Kind.CREDIT, [pieces.upcall_id, credits])

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
        call.open_upcalls.add(upcall_id)
        return upcall_id

    def _give_up(self, upcall_id: int) -> None:
        entry = self._waiting.pop(upcall_id, None)
        if entry is not None:
            entry[0].open_upcalls.discard(upcall_id)
            if not self._connection.withdraw_upcall(upcall_id):
                self._connection.send(Kind.UPCANCEL, [upcall_id])


def may_wait() -> None:
    """For the faces of what blocks its thread. The answer comes to the event loop of this process: it cannot be waited for there,
    nor in a fork.

    Raises:
        UpcallRefused, RuntimeError
    """
    if forks.in_child():
        raise UpcallRefused("a process that was forked off a worker cannot ask the host")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "a sync request to the host would block the event loop: await its async face (program.acall, host.acall_tool) "
        "in async code, or make the function sync, so that it runs on a thread"
    )
