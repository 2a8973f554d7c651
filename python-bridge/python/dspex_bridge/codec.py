"""Python values as plain data for the wire (`docs/protocol.md` §3)."""

import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 512

_MIN_INT = -(2**63)
_MAX_INT = 2**64 - 1
_SAFE_TYPES = frozenset((float, bool, type(None), bytes))


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
    """Copies `value` into plain data: None, bool, int of 64 bits, float, text, bytes, lists, and dicts with text keys.

    Dates, decimals, UUIDs, enums, sets, dataclasses and pydantic models take their JSON form; a lone surrogate in a
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
        if kind is dict or kind is list or kind is tuple:
            break
        value = _json_form(value)
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


def _json_form(value: Any) -> Any:
    """One step towards plain data."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
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
    raise Unserializable(f"it is a {type(value).__module__}.{type(value).__qualname__}; return plain data instead")


def _integer(value: int) -> int:
    if _MIN_INT <= value <= _MAX_INT:
        return value
    raise Unserializable("it is an integer of more than 64 bits; return it as text")


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
    if isinstance(key, (datetime.date, uuid.UUID, decimal.Decimal)):
        return str(_json_form(key))
    raise Unserializable(f"it has a key of type {type(key).__qualname__}")


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
