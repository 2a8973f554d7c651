"""What plain MessagePack has no word for, as extension types (`docs/protocol.md` §3)."""

import datetime
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

from . import arrays, tables

DATETIME = 32
BIGINT = 33
NDARRAY = 34
BYTES = 35
ARROW = 36

SEGMENT_BYTES = 64 * 1024
"""Data from this size on travel in a segment of their own, from where they are to where they are used."""

MAX_SEGMENTS = 65_535
"""Of one message."""

MAX_BIGINT_BYTES = 8_192

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_FIRST = (datetime.datetime.min.replace(tzinfo=datetime.UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.datetime.max.replace(tzinfo=datetime.UTC) - _EPOCH) // _MICROSECOND

_microseconds = Struct(">q")
_segment = Struct(">H")

Buffer = bytes | bytearray | memoryview


class Extended:
    """A value in the form in which it crosses. What follows the head are the number of a segment and, where that is 0, the
    data; without data the head is all."""

    __slots__ = ("code", "data", "head")

    def __init__(self, code: int, head: bytes, data: Buffer | None = None) -> None:
        self.code = code
        self.head = head
        self.data = data

    @property
    def is_large(self) -> bool:
        return self.data is not None and memoryview(self.data).nbytes >= SEGMENT_BYTES

    def move_to(self, segments: "list[memoryview] | None") -> int:
        """Leaves the data to a segment of its own, whose number it returns; 0 where there can be none."""
        if segments is None or len(segments) == MAX_SEGMENTS:
            return 0
        segments.append(memoryview(self.data))
        return len(segments)

    def payload(self, segment: int = 0) -> bytes:
        """The bytes of the extension, with the data within or in `segment`."""
        if self.data is None:
            return self.head
        return _segment.pack(segment) + self.head + (b"" if segment else bytes(self.data))


def from_datetime(value: datetime.datetime) -> Extended | None:
    """`None` for an aware datetime whose time in UTC is before the year 1 or after 9999."""
    microseconds = (value - _EPOCH) // _MICROSECOND
    if not _FIRST <= microseconds <= _LAST:
        return None
    return Extended(DATETIME, _microseconds.pack(microseconds))


def from_integer(value: int) -> Extended | None:
    """`None` for an integer that is longer than the wire takes."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1  # with room for the sign
    if size > MAX_BIGINT_BYTES:
        return None
    return Extended(BIGINT, value.to_bytes(size, "big", signed=True))


def from_bytes(value: Buffer) -> Extended:
    return Extended(BYTES, b"", value)


def from_array(view: memoryview) -> Extended:
    """Raises:
    ValueError: saying what to do, for elements of a type that the wire does not know.
    """
    return Extended(NDARRAY, arrays.head(view), arrays.data(view))


def from_table(value: Any) -> Extended:
    """Raises:
    ImportError, ValueError, TypeError: as `tables.to_ipc` says.
    """
    return Extended(ARROW, b"", tables.to_ipc(value))


def read(code: int, payload: memoryview, segments: Sequence[Buffer]) -> Any:
    """The value of an extension.

    Args:
        segments: What arrived beside the value, the first being segment 1.

    Raises:
        ValueError
        UnreadableTable
    """
    reader = _readers.get(code)
    if reader is None:
        raise ValueError(f"extension type {code}")
    return reader(payload, segments)


def read_but_tables(code: int, payload: memoryview, segments: Sequence[Buffer]) -> Any:
    """The same with `None` in place of tables."""
    return None if code == ARROW else read(code, payload, segments)


def _read_datetime(payload: memoryview, _segments: Sequence[Buffer]) -> datetime.datetime:
    if len(payload) != _microseconds.size:
        raise ValueError("a datetime that is not of 8 bytes")
    (microseconds,) = _microseconds.unpack(payload)
    if not _FIRST <= microseconds <= _LAST:
        raise ValueError("a datetime before the year 1 or after 9999")
    return _EPOCH + microseconds * _MICROSECOND


def _read_integer(payload: memoryview, _segments: Sequence[Buffer]) -> int:
    if not 1 <= len(payload) <= MAX_BIGINT_BYTES:
        raise ValueError(f"a big integer of {len(payload)} bytes")
    return int.from_bytes(payload, "big", signed=True)


def _read_array(payload: memoryview, segments: Sequence[Buffer]) -> Any:
    code, shape, at = arrays.read_head(payload, _segment.size)
    return arrays.array(code, shape, _data(payload, at, segments))


def _read_bytes(payload: memoryview, segments: Sequence[Buffer]) -> bytes:
    return bytes(_data(payload, _segment.size, segments))


def _read_table(payload: memoryview, segments: Sequence[Buffer]) -> Any:
    return tables.from_ipc(_data(payload, _segment.size, segments))


Reader = Callable[[int, memoryview, Sequence[Buffer]], Any]
"""How extensions are read: `read`, or less."""

_readers: dict[int, Callable[[memoryview, Sequence[Buffer]], Any]] = {
    DATETIME: _read_datetime,
    BIGINT: _read_integer,
    NDARRAY: _read_array,
    BYTES: _read_bytes,
    ARROW: _read_table,
}


def _data(payload: memoryview, at: int, segments: Sequence[Buffer]) -> Buffer:
    """The data of an extension: of its segment, or what stands at `at`, as a copy that does not keep the frame alive."""
    if len(payload) < at:
        raise ValueError("an extension that is cut off")
    (index,) = _segment.unpack_from(payload)
    if index == 0:
        return bytearray(payload[at:])
    if index > len(segments) or len(payload) != at:
        raise ValueError(f"an extension that names segment {index}, which did not arrive")
    return segments[index - 1]
