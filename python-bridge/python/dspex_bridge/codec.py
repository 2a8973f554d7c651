"""Python values as plain data for the wire (`docs/protocol.md` §3)."""

import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Mapping
from typing import Any

from . import arrays, extensions, tables
from .extensions import Extended

MAX_DEPTH = 512

_MIN_INT = -(2**63)
_MAX_INT = 2**64 - 1
_SAFE_TYPES = frozenset((float, bool, type(None)))


_host_takes = frozenset(("chunks", "datetime", "bigint", "ndarray", "arrow"))
"""Of the one host of this process."""


def host_takes(capabilities: list[str]) -> None:
    """Says what the host has announced that it takes: all else goes in another form, or not at all."""
    global _host_takes
    _host_takes = frozenset(capabilities)


class Unserializable(Exception):
    """A value cannot cross the wire. `path` is where in the value it stands, as `value[3].name`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    @property
    def path(self) -> str:
        return "value" + "".join(reversed(self.steps))

    def __str__(self) -> str:
        return f"{self.path} cannot be sent to the host: {self.reason}"


def to_wire(value: Any) -> Any:
    """Copies `value` into plain data: None, bool, int of 64 bits, float, text, bytes, lists, and dicts with text keys; and
    `Extended` for larger integers, aware datetimes, large bytes, and arrays, whose memory is not copied.

    Naive dates, decimals, UUIDs, enums, sets, dataclasses and pydantic models take their JSON form; a lone surrogate in a
    text becomes U+FFFD.

    Raises:
        Unserializable: anything else, cycles, and more than 512 levels.
    """
    return _visit(value, 0)


def _visit(value: Any, depth: int) -> Any:
    # One Python frame per level: 512 levels have to fit into the interpreter's own limit.
    while True:
        kind = type(value)
        if kind is str:
            return value if value.isascii() else well_formed(value)
        if kind in _SAFE_TYPES:
            return value
        if kind is int:
            return _integer(value)
        if kind is bytes:
            return value if len(value) < extensions.SEGMENT_BYTES else extensions.from_bytes(value)
        if kind is dict or kind is list or kind is tuple:
            break
        if kind is Extended:
            return value
        value = _simpler(value)
    if depth >= MAX_DEPTH:
        raise Unserializable(f"it has more than {MAX_DEPTH} levels, or contains itself")
    depth += 1
    if kind is dict:
        fields: dict[str, Any] = {}
        for key, item in value.items():
            name = key if type(key) is str and key.isascii() else _key(key)
            try:
                fields[name] = _visit(item, depth)
            except Unserializable as error:
                error.steps.append(f".{name}" if name.isidentifier() else f"[{name!r}]")
                raise
        if len(fields) < len(value):
            raise Unserializable("two of its keys are the same as text; return them under different names")
        return fields
    # Long lists of numbers (embeddings) are the one large value that needs no look at each element.
    if len(value) > 16 and _SAFE_TYPES.issuperset(map(type, value)):
        return list(value)
    items: list[Any] = []
    try:
        for item in value:
            items.append(_visit(item, depth))
    except Unserializable as error:
        error.steps.append(f"[{len(items)}]")
        raise
    return items


def _simpler(value: Any) -> Any:
    """One step towards plain data."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, datetime.datetime) and value.utcoffset() is not None:
        return _datetime(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    dump = getattr(type(value), "model_dump", None)  # pydantic
    if callable(dump):
        return dump(value, mode="json")
    to_dict = getattr(type(value), "toDict", None)  # dspy.Prediction and dspy.Example
    if callable(to_dict):
        return to_dict(value)
    if arrays.is_scalar(value):
        return _number(value)
    return _table(value) if tables.is_table(value) else _buffer(value)


def _number(scalar: Any) -> bool | int | float:
    number = arrays.number(scalar)
    if number is None:
        raise Unserializable(f"it is a numpy.{type(scalar).__name__}; return item() of it, or text")
    return number


def _table(value: Any) -> Extended:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if "arrow" not in _host_takes:
        raise Unserializable(f"it is a {name}, and the host takes no tables; return its rows")
    try:
        return extensions.from_table(value)
    except ImportError:
        raise Unserializable(f"it is a {name}; install pyarrow to send tables, or return its rows") from None
    except (ValueError, TypeError) as error:
        raise Unserializable(f"it is a {name}, and no table ({error}); return a table or a list") from None


def _buffer(value: Any) -> Any:
    """What has the buffer protocol: bytes, unless it has another shape or numpy's type of elements."""
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    try:
        view = memoryview(value)
    except TypeError:
        raise Unserializable(f"it is a {name}; {_remedy(value)}") from None
    except (ValueError, BufferError) as error:  # numpy's objects, dates, texts
        raise Unserializable(f"it is a {name} that has no plain memory ({error}); return tolist() of it") from None
    if view.format == "B" and view.ndim == 1 and not hasattr(value, "dtype"):
        return view.tobytes() if view.nbytes < extensions.SEGMENT_BYTES else extensions.from_bytes(view.cast("B"))
    if "ndarray" not in _host_takes:
        raise Unserializable(f"it is a {name}, and the host takes no arrays; return tolist() of it")
    try:
        return extensions.from_array(view)
    except ValueError as error:
        raise Unserializable(f"it is a {name}: {error}") from None


def _remedy(value: Any) -> str:
    if hasattr(value, "__array__"):  # of torch, jax, pandas
        return "return numpy.asarray() of it"
    if hasattr(value, "__await__"):
        return "await it first"
    if hasattr(value, "__next__"):
        return "return list() of it, or call the function as a stream"
    return "return plain data instead"


def _datetime(value: datetime.datetime) -> Extended | str:
    if "datetime" not in _host_takes:
        return value.isoformat()
    extended = extensions.from_datetime(value)
    if extended is None:
        raise Unserializable("its time in UTC is before the year 1 or after 9999; return it as text")
    return extended


def _integer(value: int) -> int | Extended:
    if _MIN_INT <= value <= _MAX_INT:
        return value
    if "bigint" not in _host_takes:
        raise Unserializable("it is an integer of more than 64 bits, which the host does not take; return it as text")
    extended = extensions.from_integer(value)
    if extended is None:
        raise Unserializable(f"it is an integer of more than {extensions.MAX_BIGINT_BYTES} bytes; return it as text")
    return extended


def _key(key: Any) -> str:
    """The text that JSON gives a key which is not a text."""
    if isinstance(key, enum.Enum):
        return _key(key.value)
    if isinstance(key, str):
        return well_formed(str.__str__(key))
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float) and math.isfinite(key):
        return float.__repr__(key)
    if isinstance(key, datetime.date):
        return key.isoformat()
    if isinstance(key, (uuid.UUID, decimal.Decimal)):
        return str(key)
    raise Unserializable(f"it has a key of type {type(key).__qualname__}; return it with keys that are texts")


def is_well_formed(text: str) -> bool:
    """Whether `text` can be encoded: it has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def well_formed(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD."""
    return text if is_well_formed(text) else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
