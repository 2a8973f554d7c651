"""Text that people can read: the codec to look for a fault with. What JSON has no word for is a map of one key
(`docs/protocol.md` §7)."""

import json
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from . import extensions
from .extensions import Extended, Reader
from .frames import NO_SEGMENTS, ChunkSink, Frame, Violation
from .kinds import Kind
from .wire_codec import Buffer

T = TypeVar("T")

# One frame is one line, always in this form, so that kind and value can be cut out of it.
_BEFORE_KIND = b'{"kind":"'
_BEFORE_VALUE = b'","value":'
_AFTER_VALUE = b"}"

_MAX_HEAD_BYTES = len(_BEFORE_KIND + _BEFORE_VALUE) + 64

UNKNOWN_KIND = 0
"""The kind of frames that this version does not know: they are skipped."""

FIRST_BYTE = _BEFORE_KIND[0]
"""How a stream of lines begins, and no binary frame that is not longer than a gigabyte."""

_MAX_EXACT = 2**53 - 1
_FLOAT = re.compile(r"NaN|-?Infinity|-?\d+(\.\d+)?(e[+-]?\d+)?")
_INTEGER = re.compile(r"-?\d{1,20}")


class JsonLinesCodec:
    """One line a frame."""

    name = "json-lines"
    chunk_bytes = 48 * 1024  # in text, bytes take a third more

    def decoder(self, max_frame_bytes: int, sink: ChunkSink | None = None) -> "LineDecoder":
        return LineDecoder(max_frame_bytes)

    def append(self, buffer: bytearray, kind: int, value: Any, segments: list[memoryview] | None) -> tuple[int, int]:
        text = json.dumps(_written(value, segments), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        buffer += _BEFORE_KIND + Kind(kind).name.encode() + _BEFORE_VALUE
        start = len(buffer)
        buffer += text
        end = len(buffer)
        buffer += _AFTER_VALUE + b"\n"
        return start, end

    def chunk(self, transfer: int, data: memoryview) -> list[Buffer]:
        line = bytearray()
        self.append(line, Kind.CHUNK, [transfer, bytes(data)], None)
        return [line]

    def decode(self, shape: type[T], body: Buffer, segments: list[memoryview], read: Reader = extensions.read) -> T:
        value = json.loads(
            bytes(body),
            object_hook=lambda map: _read_map(map, lambda code, payload: read(code, payload, segments)),
            parse_constant=_no_constant,
        )
        return msgspec.convert(value, shape)


class LineDecoder:
    """Cuts a stream into lines. One that is too long is found before more of it is kept."""

    def __init__(self, max_frame_bytes: int) -> None:
        self.max_frame_bytes = max_frame_bytes
        self.target = None  # bytes are text here
        self._parts: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes | memoryview) -> Iterator[Frame]:
        *lines, rest = bytes(chunk).split(b"\n")
        for line in lines:
            self._hold(line)
            whole = b"".join(self._parts)
            self._parts.clear()
            self._held = 0
            if whole:
                yield _frame(whole)
        if rest:
            self._hold(rest)

    def filled(self, size: int) -> Iterator[Frame]:
        raise AssertionError("there is no target")

    def _hold(self, part: bytes) -> None:
        self._parts.append(part)
        self._held += len(part)
        if self._held > self.max_frame_bytes + _MAX_HEAD_BYTES:
            raise Violation(f"a line of {self._held} bytes, above the limit of {self.max_frame_bytes}")


def _frame(line: bytes) -> Frame:
    name_end = line.find(b'"', len(_BEFORE_KIND))
    value_at = name_end + len(_BEFORE_VALUE)
    if (
        not line.startswith(_BEFORE_KIND)
        or line[name_end:value_at] != _BEFORE_VALUE
        or not line.endswith(_AFTER_VALUE)
    ):
        raise Violation("a line that is no frame")
    kind = Kind.__members__.get(line[len(_BEFORE_KIND) : name_end].decode("latin-1"), UNKNOWN_KIND)
    return kind, memoryview(line)[value_at:-1], NO_SEGMENTS


def _written(value: Any, segments: list[memoryview] | None) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": _float_name(value)}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -_MAX_EXACT <= value <= _MAX_EXACT else {"$int": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, Extended):
        if value.code == extensions.BYTES and segments is None:
            return {"$bytes": b64encode(value.data).decode()}
        segment = value.move_to(segments) if value.is_large else 0
        return {"$ext": [value.code, b64encode(value.payload(segment)).decode()]}
    if isinstance(value, dict):
        fields = {}
        for name, item in value.items():
            word = len(value) == 1 and name.startswith("$")
            fields[f"${name}" if word else name] = _written(item, segments)
        return fields
    if isinstance(value, (list, tuple)):
        items = []  # no comprehension, which takes an interpreter's frame more per level
        for item in value:
            items.append(_written(item, segments))
        return items
    raise TypeError(f"{type(value).__qualname__} is no plain data")


def _float_name(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _no_constant(word: str) -> float:
    raise ValueError(f"{word}, which JSON does not know")


def _read_map(map: dict[str, Any], read: Callable[[int, memoryview], Any]) -> Any:
    """A map, whose items have been read, or what is written as one."""
    if len(map) == 1:
        ((name, item),) = map.items()
        if name.startswith("$"):
            return {name[1:]: item} if name.startswith("$$") else _read_word(name, item, read)
    return map


def _read_word(word: str, value: Any, read: Callable[[int, memoryview], Any]) -> Any:
    """What JSON has no word for."""
    match word, value:
        case "$float", str() if _FLOAT.fullmatch(value):
            return float(value)
        case "$int", str() if _INTEGER.fullmatch(value):
            return int(value)
        case "$bytes", str():
            return b64decode(value, validate=True)
        case "$ext", [int() as code, str() as payload]:
            return read(code, memoryview(b64decode(payload, validate=True)))
    raise ValueError(f"a map whose one key is {word!r}")
