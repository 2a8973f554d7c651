"""Frames on the byte stream: `u32 length · u8 version · u8 kind · u16 flags · value` (`docs/protocol.md` §2).

Pure: bytes in, frames out. `length` counts what follows it.
"""

from struct import Struct
from typing import Any

import msgspec

FRAME_VERSION = 1
HEADER_BYTES = 8
COUNTED_HEADER_BYTES = 4
DEFAULT_MAX_FRAME_BYTES = 64 * 1024 * 1024
MIN_MAX_FRAME_BYTES = 1024

_header = Struct(">IBBH")
_encoder = msgspec.msgpack.Encoder()


class Violation(Exception):
    """The peer broke the protocol; the connection cannot go on."""


class FrameTooLarge(Exception):
    """A value is larger than the peer takes; nothing of it was written."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the value takes {size} bytes; the other side takes {limit}")
        self.size = size
        self.limit = limit


def append_frame(buffer: bytearray, kind: int, value: Any, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> None:
    """Encodes a value that `to_wire` let through as one frame at the end of `buffer`.

    On an error `buffer` is as it was.

    Raises:
        FrameTooLarge: the encoded value has more than `max_frame_bytes` bytes.
    """
    start = len(buffer)
    body = start + HEADER_BYTES
    try:
        buffer.extend(bytes(HEADER_BYTES))
        _encoder.encode_into(value, buffer, body)
        size = len(buffer) - body
        if size > max_frame_bytes:
            raise FrameTooLarge(size, max_frame_bytes)
        _header.pack_into(buffer, start, COUNTED_HEADER_BYTES + size, FRAME_VERSION, kind, 0)
    except BaseException:
        del buffer[start:]
        raise


def encode_frame(kind: int, value: Any, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> bytes:
    """The same as a frame of its own."""
    buffer = bytearray()
    append_frame(buffer, kind, value, max_frame_bytes)
    return bytes(buffer)


class FrameDecoder:
    """Cuts a stream of chunks into frames, wherever the chunks happen to break.

    A length is checked before anything is kept, so a hostile length costs no memory.
    """

    def __init__(self, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes = max_frame_bytes
        # The beginning of a frame that has not arrived whole, and how many bytes it needs (the header alone at first).
        self._parts: list[bytes] = []
        self._held = 0
        self._needed = HEADER_BYTES

    def feed(self, chunk: bytes) -> list[tuple[int, memoryview]]:
        """Takes the next chunk; returns `(kind, encoded value)` of each frame that it completes, in order.

        Raises:
            Violation: a bad header. The stream cannot be read any further then.
        """
        if self._held:
            self._parts.append(chunk)
            self._held += len(chunk)
            if self._held < self._needed:
                return []
            chunk = b"".join(self._parts)
            self._parts.clear()
            self._held = 0
        view = memoryview(chunk)
        end = len(chunk)
        offset = 0
        frames: list[tuple[int, memoryview]] = []
        self._needed = HEADER_BYTES
        while end - offset >= HEADER_BYTES:
            length, version, kind, _flags = _header.unpack_from(chunk, offset)
            if length < COUNTED_HEADER_BYTES:
                raise Violation(f"a frame length of {length} bytes")
            if length - COUNTED_HEADER_BYTES > self.max_frame_bytes:
                raise Violation(f"a frame of {length} bytes, above the limit of {self.max_frame_bytes}")
            if version != FRAME_VERSION:
                raise Violation(f"frame version {version}")
            after = offset + HEADER_BYTES - COUNTED_HEADER_BYTES + length
            if after > end:
                self._needed = after - offset
                break
            frames.append((kind, view[offset + HEADER_BYTES : after]))
            offset = after
        if offset < end:
            # Copied: a few bytes of a frame must not keep a whole chunk alive.
            self._parts.append(bytes(view[offset:]))
            self._held = end - offset
        return frames
