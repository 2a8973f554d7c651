"""Python values as plain data."""

import collections
import dataclasses
import datetime
import decimal
import enum
import uuid

import dspy
import msgspec
import pydantic
import pytest

from dspex_bridge.codec import MAX_DEPTH, Unserializable, to_wire


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    pass


class Model(pydantic.BaseModel):
    at: datetime.datetime
    tags: set[str] = set()


@dataclasses.dataclass
class Point:
    x: int
    of: "Point | None" = None


Pair = collections.namedtuple("Pair", "left right")
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, None),
        (True, True),
        (-(2**63), -(2**63)),
        (2**64 - 1, 2**64 - 1),
        (1.5, 1.5),
        ("text", "text"),
        (Name("text"), "text"),
        (b"\x00", b"\x00"),
        (bytearray(b"\x01"), b"\x01"),
        (memoryview(b"\x02"), b"\x02"),
        ((1, [2]), [1, [2]]),
        ({"a"}, ["a"]),
        (frozenset((1,)), [1]),
        (Pair(1, 2), [1, 2]),
        ([0.5] * 40, [0.5] * 40),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2), "2026-01-02T00:00:00"),
        (datetime.time(3, 4), "03:04:00"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Point(1, Point(2)), {"x": 1, "of": {"x": 2, "of": None}}),
        (Model(at=MOMENT, tags={"a"}), {"at": "2026-01-02T03:04:05Z", "tags": ["a"]}),
        (dspy.Prediction(answer="a", n=[1]), {"answer": "a", "n": [1]}),
        (dspy.Example(question="q"), {"question": "q"}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        ({1: "a", 1.5: "b", True: "c", None: "d"}, {"1": "c", "1.5": "b", "null": "d"}),
        ({True: "a", Colour.RED: "b", datetime.date(2026, 1, 2): "c", Name("n"): "d"},
         {"true": "a", "red": "b", "2026-01-02": "c", "n": "d"}),
    ],
)  # fmt: skip
def test_values_take_their_json_form(value, wire):
    assert to_wire(value) == wire
    msgspec.msgpack.encode(to_wire(value))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "value"),
        ({"a": [0, {"b c": print}]}, "value.a[1]['b c']"),
        ([1 << 70_000], "value[0]"),
        ({"n": -(1 << 70_000)}, "value.n"),
        (complex(1), "value"),
        ({("a", 1): 2}, "value"),
        (iter([]), "value"),
        (Point, "value"),
    ],
)
def test_what_is_no_data_is_refused_with_its_place(value, path):
    with pytest.raises(Unserializable) as refused:
        to_wire(value)
    assert refused.value.path == path
    assert str(refused.value).startswith(path)


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_512_levels_pass_and_513_do_not():
    msgspec.msgpack.encode(to_wire(nested(MAX_DEPTH)))
    with pytest.raises(Unserializable, match="512 levels"):
        to_wire(nested(MAX_DEPTH + 1))


def test_a_cycle_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises(Unserializable, match="contains itself"):
        to_wire(value)
