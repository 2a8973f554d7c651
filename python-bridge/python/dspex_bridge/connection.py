"""The worker's end of the wire, on the event loop."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from .frames import DEFAULT_MAX_FRAME_BYTES, FrameDecoder, Violation, append_frame
from .messages import Kind

READ_BYTES = 256 * 1024

MAX_UNREAD_BYTES = 64 * 1024 * 1024
"""A host that leaves more than this unread is not read from until it has caught up: memory stays bounded."""

MAX_UNREAD_LOG_BYTES = 1024 * 1024
"""No LOG frame is sent while more than this is unread."""


class Connection:
    """Reads and writes frames on a pair of descriptors; the frames of one turn of the loop leave in one write.

    All methods belong to the loop's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        read_fd: int,
        write_fd: int,
        decoder: FrameDecoder,
        *,
        on_frame: Callable[[int, memoryview], None],
        on_violation: Callable[[str], None],
        on_end: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._decoder = decoder
        self._on_frame = on_frame
        self._on_violation = on_violation
        self._on_end = on_end
        self._outgoing = bytearray()
        self._backlog: memoryview | None = None  # what the pipe has not taken of the last write
        self._flush_scheduled = False
        self._reading = False
        self._closing = False
        self.peer_takes = DEFAULT_MAX_FRAME_BYTES

    def start(self, early_frames: list[tuple[int, memoryview]]) -> None:
        """Handles the frames that were read before there was a connection, and begins to read."""
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._resume_reading()
        self._handle(early_frames)

    @property
    def unread_bytes(self) -> int:
        """Bytes sent that the host has not taken yet."""
        return len(self._outgoing) + (len(self._backlog) if self._backlog is not None else 0)

    def send(self, kind: int, value: Any) -> None:
        """Sends plain data as one frame.

        Raises:
            FrameTooLarge: nothing was sent.
        """
        append_frame(self._outgoing, kind, value, self.peer_takes)
        self._schedule_flush()

    def send_encoded(self, frame: bytes) -> None:
        """Sends a frame that was encoded elsewhere."""
        self._outgoing += frame
        self._schedule_flush()

    def send_logs(self, lines: list[tuple[str, str, str]]) -> bool:
        """Sends LOG frames, unless the host does not keep up with what matters more than they do."""
        if self.unread_bytes > MAX_UNREAD_LOG_BYTES:
            return False
        for source, level, text in lines:
            self.send(Kind.LOG, [source, level, text])
        return True

    def close_after_flush(self, closed: Callable[[], None]) -> None:
        """Handles no further frame, and calls `closed` as soon as everything sent has been taken by the pipe."""
        self._closing = True
        self._pause_reading()
        if self.unread_bytes == 0:
            closed()
        else:
            self._loop.call_later(0.001, self.close_after_flush, closed)

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self._backlog is None and self._outgoing:
            self._write(memoryview(self._outgoing))
            if self._backlog is not None:
                self._loop.add_writer(self._write_fd, self._on_writable)
        if self._reading and self.unread_bytes > MAX_UNREAD_BYTES:
            self._pause_reading()

    def _write(self, data: memoryview) -> None:
        try:
            written = os.write(self._write_fd, data)
        except BlockingIOError:
            written = 0
        except OSError:  # the host is gone
            self._on_end()
            return
        if self._backlog is None:
            self._outgoing = bytearray()
        self._backlog = data[written:] if written < len(data) else None

    def _on_writable(self) -> None:
        if self._backlog is not None:
            self._write(self._backlog)
        if self._backlog is None and self._outgoing:
            self._write(memoryview(self._outgoing))
        if self._backlog is None:
            self._loop.remove_writer(self._write_fd)
        if not self._reading and not self._closing and self.unread_bytes < MAX_UNREAD_BYTES // 2:
            self._resume_reading()

    def _resume_reading(self) -> None:
        self._reading = True
        self._loop.add_reader(self._read_fd, self._on_readable)

    def _pause_reading(self) -> None:
        self._reading = False
        self._loop.remove_reader(self._read_fd)

    def _on_readable(self) -> None:
        try:
            chunk = os.read(self._read_fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._on_end()
            return
        try:
            frames = self._decoder.feed(chunk)
        except Violation as violation:
            self._on_violation(str(violation))
        else:
            self._handle(frames)

    def _handle(self, frames: list[tuple[int, memoryview]]) -> None:
        try:
            for kind, body in frames:
                if not self._closing:
                    self._on_frame(kind, body)
        except Violation as violation:
            self._on_violation(str(violation))
