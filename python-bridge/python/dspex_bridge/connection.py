"""The worker's end of the wire, on the event loop."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .frames import Frame, FrameTooLarge, Violation
from .inbox import Inbox
from .kinds import PARTS, Kind
from .messages import Hello, read_host_message
from .outbox import Message, Outbox, line_of, upcall_line
from .wire_codec import Decoder, WireCodec

READ_BYTES = 256 * 1024

READ_BEHIND_TARGET = 32
"""Of a chunk that is read right into its place, this much more is read: enough to know where the next one belongs."""

WRITTEN_PER_TURN = 512 * 1024
"""Written in one turn of the loop at most: others have their turn between."""

WRITE_AT_ONCE_BYTES = 16 * 1024
"""So much is not kept for the end of the turn: the host takes it up while the rest of the turn runs here."""

ITEM_ROOM_BYTES = 1024 * 1024
"""Items of calls and questions to the host wait while more than this is unread."""

CALL_ROOM_BYTES = 64 * 1024 * 1024
"""No further call starts while more than this is unread."""

MAX_UNREAD_SMALL_BYTES = 16 * 1024 * 1024
"""A host that leaves more than this of small frames unread is not read from until half of them are taken. The end of all
patience: whatever it sends may cause one more."""

MAX_UNREAD_LOG_BYTES = 1024 * 1024
"""No LOG frame is sent while more than this is unread."""


class Connection:
    """Reads and writes messages on a pair of descriptors; the small ones of one turn of the loop leave in as few writes as
    `WRITE_AT_ONCE_BYTES` allows.

    All methods but `encode` belong to the loop's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        read_fd: int,
        write_fd: int,
        codec: WireCodec,
        decoder: Decoder,
        inbox: Inbox,
        hello: Hello,
        *,
        on_message: Callable[[int, Any], None],
        on_violation: Callable[[str], None],
        on_end: Callable[[], None],
    ) -> None:
        """`decoder` and `inbox`: those that have read HELLO."""
        self._loop = loop
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._codec = codec
        self._decoder = decoder
        self._on_message = on_message
        self._on_violation = on_violation
        self._on_end = on_end
        self._peer_takes = hello.max_frame_bytes
        self._takes_chunks = "chunks" in hello.capabilities
        self._inbox = inbox
        # Frames are views of these, and done with before the next read.
        self._read_buffer = memoryview(bytearray(READ_BYTES))
        self._behind_target = memoryview(bytearray(READ_BEHIND_TARGET))
        self._outbox = Outbox(codec, hello.max_frame_bytes if self._takes_chunks else None)
        self._backlog: list[memoryview] = []  # what the pipe has not taken of the last write
        self._backlog_bytes = 0
        self._waiting: dict[int, deque[Callable[[], None]]] = {ITEM_ROOM_BYTES: deque(), CALL_ROOM_BYTES: deque()}
        self._flush_scheduled = False
        self._writing = False
        self._writer_added = False
        self._reading = False
        self._closing = False

    def start(self, early_frames: Iterable[Frame]) -> None:
        """Handles the frames that were read behind HELLO, and begins to read."""
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._resume_reading()
        self._handle(early_frames)

    @property
    def unread_bytes(self) -> int:
        """Bytes that the host has not taken yet. Any thread may ask."""
        return self._small_bytes + self._outbox.large_bytes

    @property
    def _small_bytes(self) -> int:
        return len(self._outbox.small) + self._backlog_bytes

    @property
    def unsent_answers(self) -> Iterator[int]:
        """Calls of which a large item or answer is not sent whole."""
        return (line for line in self._outbox.lines if line > 0)

    def send(self, kind: int, value: Any) -> None:
        """Sends plain data.

        Raises:
            FrameTooLarge: nothing was sent.
        """
        line = line_of(kind, value[0]) if isinstance(value, list) and value else None
        segments: list[memoryview] | None = [] if line is not None and self._takes_chunks else None
        small = self._outbox.small
        start = len(small)
        body, end = self._codec.append(small, kind, value, segments)
        size = end - body
        if segments or size > self._peer_takes or not self._outbox.may_leave_at_once(line, size, segments):
            frame = small[start:]
            del small[start:]
            self._check_size(size, segments)
            self._outbox.add(_message(kind, line, frame, body - start, end - start, segments))
        self._schedule_flush()

    def encode(self, kind: int, value: Any) -> Message:
        """Encodes plain data on any thread, to be sent by `send_encoded`.

        Raises:
            FrameTooLarge
        """
        line = line_of(kind, value[0])
        frame = bytearray()
        segments: list[memoryview] | None = [] if line is not None and self._takes_chunks else None
        body, end = self._codec.append(frame, kind, value, segments)
        self._check_size(end - body, segments)
        return _message(kind, line, frame, body, end, segments)

    def send_encoded(self, message: Message) -> None:
        """Sends what `encode` made."""
        self._outbox.add(message)
        self._schedule_flush()

    def send_logs(self, lines: list[tuple[str, str, str]]) -> bool:
        """Sends LOG frames, unless the host does not keep up with what matters more than they do."""
        if self.unread_bytes > MAX_UNREAD_LOG_BYTES:
            return False
        for source, level, text in lines:
            self.send(Kind.LOG, [source, level, text])
        return True

    def withdraw_items(self, call_id: int) -> None:
        """Takes back the items of a call that are not sent whole."""
        if self._outbox.withdraw(call_id):
            self._schedule_flush()

    def withdraw_upcall(self, upcall_id: int) -> bool:
        """Takes back a question that is not sent whole: then the host never sees it."""
        withdrawn = self._outbox.withdraw(upcall_line(upcall_id))
        if withdrawn:
            self._schedule_flush()
        return withdrawn

    @property
    def has_room(self) -> bool:
        """Whether items and questions may be sent now. Any thread may ask. Answers are sent in any case."""
        return self.unread_bytes < ITEM_ROOM_BYTES

    def when_room(self, ready: Callable[[], None]) -> None:
        """Calls `ready` as soon as there is room for an item or a question, which may be at once."""
        if self.has_room and not self._waiting[ITEM_ROOM_BYTES]:
            ready()
        else:
            self._waiting[ITEM_ROOM_BYTES].append(ready)

    def when_room_for_call(self, ready: Callable[[Any], None], call: Any) -> None:
        """Calls `ready` with the call as soon as it may start."""
        if self.unread_bytes < CALL_ROOM_BYTES and not self._waiting[CALL_ROOM_BYTES]:
            ready(call)
        else:
            self._waiting[CALL_ROOM_BYTES].append(lambda: ready(call))

    def _serve_waiting(self) -> None:
        for limit, waiting in self._waiting.items():
            while waiting and self.unread_bytes < limit:
                waiting.popleft()()

    def send_last(self, kind: int, value: Any, sent: Callable[[], None]) -> None:
        """Handles no further message, sends one behind all that is to be sent, and calls `sent` when the pipe has taken it."""
        self._closing = True
        self._pause_reading()
        if not self._outbox.is_empty or self._backlog:
            self._loop.call_later(0.001, self.send_last, kind, value, sent)
            return
        self.send(kind, value)
        self._call_when_flushed(sent)

    def _call_when_flushed(self, flushed: Callable[[], None]) -> None:
        if self._outbox.is_empty and not self._backlog:
            flushed()
        else:
            self._loop.call_later(0.001, self._call_when_flushed, flushed)

    def _check_size(self, body_size: int, segments: list[memoryview] | None) -> None:
        size = body_size + sum(map(len, segments or ()))
        if size > self._peer_takes:
            raise FrameTooLarge(size, self._peer_takes)

    def _schedule_flush(self) -> None:
        if self._writer_added:
            self._stop_reading_if_unread()
        elif self._writing:
            return  # whoever is served while something is written is written for, too
        elif len(self._outbox.small) >= WRITE_AT_ONCE_BYTES:
            self._flush()
        elif not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush_at_end_of_turn)

    def _flush_at_end_of_turn(self) -> None:
        self._flush_scheduled = False
        if not self._writer_added:
            self._flush()

    def _flush(self) -> None:
        if self._write():
            return
        # The pipe is full, or others are to have their turn.
        self._writer_added = True
        self._loop.add_writer(self._write_fd, self._on_writable)
        self._stop_reading_if_unread()

    def _stop_reading_if_unread(self) -> None:
        if self._reading and self._small_bytes > MAX_UNREAD_SMALL_BYTES:
            self._pause_reading()

    def _on_writable(self) -> None:
        if self._write():
            self._writer_added = False
            self._loop.remove_writer(self._write_fd)
        if not self._reading and not self._closing and self._small_bytes < MAX_UNREAD_SMALL_BYTES // 2:
            self._resume_reading()

    def _write(self) -> bool:
        """Writes what the pipe takes, within a turn's measure; whether that was all."""
        self._writing = True
        try:
            return self._write_some()
        finally:
            self._writing = False

    def _write_some(self) -> bool:
        left = WRITTEN_PER_TURN
        while left > 0:
            if not self._backlog:
                self._backlog = list(map(memoryview, self._outbox.next()))
                self._backlog_bytes = sum(map(len, self._backlog))
                if not self._backlog:
                    return True
            try:
                written = os.writev(self._write_fd, self._backlog)
            except BlockingIOError:
                return False
            except OSError:  # the host is gone
                self._on_end()
                return True
            left -= written
            self._backlog = _behind(self._backlog, written)
            self._backlog_bytes -= written
            self._serve_waiting()
            if self._backlog:
                return False
        return False

    def _resume_reading(self) -> None:
        self._reading = True
        self._loop.add_reader(self._read_fd, self._on_readable)

    def _pause_reading(self) -> None:
        self._reading = False
        self._loop.remove_reader(self._read_fd)

    def _on_readable(self) -> None:
        target = self._decoder.target
        into = [self._read_buffer] if target is None else [target, self._behind_target]
        try:
            size = os.readv(self._read_fd, into)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size == 0:
            self._on_end()
        elif target is None:
            self._handle(self._decoder.feed(self._read_buffer[:size]))
        else:
            direct = min(size, len(target))
            self._handle(self._decoder.filled(direct))
            if size > direct:
                self._handle(self._decoder.feed(self._behind_target[: size - direct]))

    def _handle(self, frames: Iterable[Frame]) -> None:
        try:
            for frame in frames:
                if not self._closing:
                    self._on_frame(frame)
        except Violation as violation:
            self._on_violation(str(violation))

    def _on_frame(self, frame: Frame) -> None:
        kind = frame[0]
        message = read_host_message(self._codec, frame)
        if message is None:
            return
        if kind not in PARTS:
            self._on_message(kind, message)
            return
        whole = self._inbox.take(message)
        if whole is not None:
            self._on_frame(whole)


def _message(
    kind: int, line: int | None, frame: bytearray, body: int, end: int, segments: list[memoryview] | None
) -> Message:
    return Message(kind, line, frame, memoryview(frame)[body:end], segments or [])


def _behind(buffers: list[memoryview], written: int) -> list[memoryview]:
    """What is left of buffers of which so many bytes were written."""
    for index, buffer in enumerate(buffers):
        if written < len(buffer):
            return [buffer[written:], *buffers[index + 1 :]]
        written -= len(buffer)
    return []
