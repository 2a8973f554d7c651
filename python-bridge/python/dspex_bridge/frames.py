"""Frames on the byte stream: `u32 length · u8 version · u8 kind · u16 flags · value` (`docs/protocol.md` §2).

Pure: bytes in, frames out. `length` counts what follows it.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Protocol

from .kinds import Kind

FRAME_VERSION = 1
HEADER_BYTES = 8
COUNTED_HEADER_BYTES = 4
DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024
MIN_MAX_FRAME_BYTES = 1024

_header = Struct(">IBBH")

CHUNK_HEAD = Struct(">BBIBI")
"""How a CHUNK is usually encoded: an array of two, the transfer, and bytes, the latter with a length of 32 bits."""

_CHUNK = int(Kind.CHUNK)

NO_SEGMENTS: list[memoryview] = []

Frame = tuple[int, memoryview, list[memoryview]]
"""The kind, the encoded value, and its segments."""


class Violation(Exception):
    """The peer broke the protocol; the connection cannot go on."""


class FrameTooLarge(Exception):
    """A value is larger than the peer takes; nothing of it was written."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the value takes {size} bytes; the other side takes {limit}")
        self.size = size
        self.limit = limit


def write_header(buffer: bytearray, at: int, kind: int, value_bytes: int) -> None:
    """Writes the header of a frame in front of its value."""
    _header.pack_into(buffer, at, COUNTED_HEADER_BYTES + value_bytes, FRAME_VERSION, kind, 0)


class ChunkSink(Protocol):
    """Where the bytes of large messages go (`Inbox`)."""

    def place(self, transfer: int, size: int) -> memoryview:
        """The memory for the next bytes of a transfer.

        Raises:
            Violation
        """
        ...

    def placed(self, transfer: int) -> Frame | None:
        """They are there: the message that they complete."""
        ...


class FrameDecoder:
    """Cuts a stream of chunks into frames, wherever the chunks happen to break.

    A length is checked before anything is kept, so a hostile length costs no memory. With a sink, the bytes of CHUNK frames
    go where they belong at once, and what is returned are the messages that they complete.
    """

    def __init__(self, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES, sink: ChunkSink | None = None) -> None:
        self.max_frame_bytes = max_frame_bytes
        self.target: memoryview | None = None
        """Where the next bytes of the stream belong. Who reads them right there says so by `filled`."""
        self._sink = sink
        self._transfer = 0
        # The beginning of a frame that has not arrived whole, and how many bytes it needs (the header alone at first).
        self._parts: list[bytes | memoryview] = []
        self._held = 0
        self._needed = HEADER_BYTES

    def feed(self, chunk: bytes | memoryview) -> Iterator[Frame]:
        """Takes the next chunk; yields the frames that it completes, in order.

        Raises:
            Violation: a bad header. The stream cannot be read any further then.
        """
        view = memoryview(chunk)
        if self.target is not None:
            size = min(len(view), len(self.target))
            self.target[:size] = view[:size]
            yield from self.filled(size)
            view = view[size:]
        if self._held:
            self._held += len(view)
            if self._held < self._needed:
                self._parts.append(bytes(view))
                return
            view = memoryview(b"".join([*self._parts, view]))
            self._parts.clear()
            self._held = 0
        end = len(view)
        offset = 0
        self._needed = HEADER_BYTES
        while end - offset >= HEADER_BYTES:
            length, version, kind, _flags = _header.unpack_from(view, offset)
            if length < COUNTED_HEADER_BYTES:
                raise Violation(f"a frame length of {length} bytes")
            if length - COUNTED_HEADER_BYTES > self.max_frame_bytes:
                raise Violation(f"a frame of {length} bytes, above the limit of {self.max_frame_bytes}")
            if version != FRAME_VERSION:
                raise Violation(f"frame version {version}")
            body = offset + HEADER_BYTES
            after = body - COUNTED_HEADER_BYTES + length
            data = self._chunk_data(view, body, after) if kind == _CHUNK else 0
            if data:
                offset = min(end, after)
                assert self.target is not None
                self.target[: offset - data] = view[data:offset]
                yield from self.filled(offset - data)
                continue
            if after > end:
                self._needed = after - offset
                if kind == _CHUNK and self._sink is not None:
                    self._needed = min(self._needed, HEADER_BYTES + CHUNK_HEAD.size)
                break
            yield kind, view[body:after], NO_SEGMENTS
            offset = after
        if offset < end:
            # Copied: a few bytes of a frame must not keep a whole chunk alive.
            self._parts.append(bytes(view[offset:]))
            self._held = end - offset

    def filled(self, size: int) -> Iterator[Frame]:
        """So many bytes were read into `target`; yields the message that they complete."""
        assert self.target is not None and self._sink is not None
        self.target = self.target[size:]
        if len(self.target) == 0:
            self.target = None
            whole = self._sink.placed(self._transfer)
            if whole is not None:
                yield whole

    def _chunk_data(self, view: memoryview, body: int, after: int) -> int:
        """Opens the target of a CHUNK; returns where its bytes begin. 0: it is not of the usual form, or not here yet."""
        if self._sink is None or len(view) - body < CHUNK_HEAD.size:
            return 0
        array, integer, transfer, binary, size = CHUNK_HEAD.unpack_from(view, body)
        data = body + CHUNK_HEAD.size
        if (array, integer, binary, size) != (0x92, 0xCE, 0xC6, after - data):
            return 0
        self.target = self._sink.place(transfer, size)
        self._transfer = transfer
        return data
