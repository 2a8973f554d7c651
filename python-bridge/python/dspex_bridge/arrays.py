"""Arrays of numbers. With numpy they are `numpy.ndarray`; without it, `memoryview` of the same elements and shape, which
every library that knows the buffer protocol can read.

Sending needs no numpy at all: whatever has the buffer protocol is an array. On the wire elements are little-endian, as on
every machine that DSPex runs on.
"""

import functools
import math
import struct
import sys
from typing import Any

MAX_DIMENSIONS = 64
"""numpy's own limit."""

# The byte on the wire, numpy's name, and the format of Python's buffers.
_TYPES = (
    (1, "bool", "?"),
    (2, "int8", "b"),
    (3, "uint8", "B"),
    (4, "int16", "h"),
    (5, "uint16", "H"),
    (6, "int32", "i"),
    (7, "uint32", "I"),
    (8, "int64", "q"),
    (9, "uint64", "Q"),
    (10, "float32", "f"),
    (11, "float64", "d"),
)
_names = {code: name for code, name, _ in _TYPES}
_formats = {code: format for code, _, format in _TYPES}

# `l` is an integer of 4 bytes on one system and of 8 on another: what counts is the size.
_classes = {"?": "?", **dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BHILQN", "u"), **dict.fromkeys("fd", "f")}
_codes = {(_classes[format], struct.calcsize(format)): code for code, _, format in _TYPES}


def head(view: memoryview) -> bytes:
    """Type and shape of an array as they stand in its extension.

    Raises:
        ValueError: saying what to do, for elements of a type that the wire does not know.
    """
    code = _codes.get((_classes.get(view.format.lstrip("@=<")), view.itemsize))
    if code is None:
        raise ValueError(f"its elements are of the type {view.format!r}; return them as one of {', '.join(_names.values())}")
    if any(size >= 2**32 for size in view.shape):
        raise ValueError("one of its dimensions has more than 2^32 elements")
    return struct.pack(f">BB{view.ndim}I", code, view.ndim, *view.shape)


def data(view: memoryview) -> memoryview | bytes:
    """The elements in C order; a copy only where they do not lie so."""
    if not view.c_contiguous:
        return view.tobytes()
    return view.cast("B") if view.nbytes else b""


def read_head(payload: memoryview, at: int) -> tuple[int, tuple[int, ...], int]:
    """The type, the shape, and where the data begin.

    Raises:
        ValueError
    """
    if len(payload) < at + 2:
        raise ValueError("an array without its type and shape")
    code, dimensions = payload[at], payload[at + 1]
    data_at = at + 2 + 4 * dimensions
    if code not in _names or dimensions > MAX_DIMENSIONS or len(payload) < data_at:
        raise ValueError("an array without its type and shape")
    return code, struct.unpack_from(f">{dimensions}I", payload, at + 2), data_at


def array(code: int, shape: tuple[int, ...], data: bytes | bytearray | memoryview) -> Any:
    """The array that these bytes are, not copied.

    Raises:
        ValueError
    """
    view = memoryview(data)
    if math.prod(shape) * struct.calcsize(_formats[code]) != view.nbytes:
        raise ValueError("an array whose shape does not fit its data")
    numpy = _numpy()
    if numpy is not None:
        return numpy.frombuffer(data, dtype=_names[code]).reshape(shape)
    # A memoryview cannot have a dimension without elements: of an empty array it keeps the type alone.
    return view.cast(_formats[code], shape) if view.nbytes else view.cast(_formats[code])


def is_scalar(value: Any) -> bool:
    """Whether this is one of numpy's scalars, which have the buffer protocol too. Whoever has one has imported numpy."""
    return isinstance(value, getattr(sys.modules.get("numpy"), "generic", ()))


def number(scalar: Any) -> bool | int | float | None:
    """The number that a scalar is; `None` for dates, complex numbers and the like."""
    convert = _numbers.get(scalar.dtype.kind)
    return None if convert is None else convert(scalar)


_numbers = {"b": bool, "i": int, "u": int, "f": float}


@functools.cache
def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        return None
    return numpy
