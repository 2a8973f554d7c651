"""As much of MessagePack as docs/protocol.md §3 asks for."""

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Extension:
    """An extension type: its number, and its payload."""

    type: int
    payload: bytes


def pack(value: Any) -> bytes:
    """The encoded value, in whatever form is simplest."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes((value,))
        return struct.pack(">Bq", 0xD3, value) if value < 2**63 else struct.pack(">BQ", 0xCF, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        return struct.pack(">BI", 0xDB, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return struct.pack(">BI", 0xC6, len(value)) + value
    if isinstance(value, Extension):
        return struct.pack(">BIB", 0xC9, len(value.payload), value.type) + value.payload
    if isinstance(value, list):
        return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        entries = (pack(key) + pack(item) for key, item in value.items())
        return struct.pack(">BI", 0xDF, len(value)) + b"".join(entries)
    raise TypeError(f"{type(value).__name__} has no form on the wire")


def unpack(data: bytes) -> Any:
    """The one value that `data` are.

    Raises:
        ValueError: they are not one value.
    """
    value, end = _read(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes behind the value")
    return value


_NUMBERS = {
    0xCA: ">f", 0xCB: ">d",
    0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {1: ">B", 2: ">H", 4: ">I"}
_WITH_LENGTH = {
    0xC4: (bytes, 1), 0xC5: (bytes, 2), 0xC6: (bytes, 4),
    0xC7: (Extension, 1), 0xC8: (Extension, 2), 0xC9: (Extension, 4),
    0xD9: (str, 1), 0xDA: (str, 2), 0xDB: (str, 4),
    0xDC: (list, 2), 0xDD: (list, 4),
    0xDE: (dict, 2), 0xDF: (dict, 4),
}  # fmt: skip


def _read(data: bytes, at: int) -> tuple[Any, int]:
    token = data[at]
    at += 1
    if token < 0x80:
        return token, at
    if token < 0x90:
        return _read_sized(dict, token & 0x0F, data, at)
    if token < 0xA0:
        return _read_sized(list, token & 0x0F, data, at)
    if token < 0xC0:
        return _read_sized(str, token & 0x1F, data, at)
    if token >= 0xE0:
        return token - 0x100, at
    if token in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[token], at
    if token in _NUMBERS:
        (number,) = struct.unpack_from(_NUMBERS[token], data, at)
        return number, at + struct.calcsize(_NUMBERS[token])
    if 0xD4 <= token <= 0xD8:
        return _read_sized(Extension, 1 << (token - 0xD4), data, at)
    kind, width = _WITH_LENGTH[token]
    (length,) = struct.unpack_from(_LENGTHS[width], data, at)
    return _read_sized(kind, length, data, at + width)


def _read_sized(kind: type, length: int, data: bytes, at: int) -> tuple[Any, int]:
    if kind is list:
        items = []
        for _ in range(length):
            item, at = _read(data, at)
            items.append(item)
        return items, at
    if kind is dict:
        entries = {}
        for _ in range(length):
            key, at = _read(data, at)
            entries[key], at = _read(data, at)
        return entries, at
    type_bytes = 1 if kind is Extension else 0
    end = at + type_bytes + length
    if end > len(data):
        raise ValueError("a value that is cut off")
    content = data[at + type_bytes : end]
    if kind is Extension:
        return Extension(data[at], content), end
    return (content.decode() if kind is str else content), end
