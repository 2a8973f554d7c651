"""The cases that both halves of the bridge read."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dspex_bridge.codec import to_wire
from dspex_bridge.frames import DEFAULT_MAX_FRAME_BYTES, FrameDecoder, Violation, append_frame
from dspex_bridge.messages import read_host_message

VECTORS = Path(__file__).parents[1] / "vectors"
FRAMES = json.loads((VECTORS / "frames.json").read_text())
TEXTS = json.loads((VECTORS / "texts.json").read_text())["texts"]
HOST_KINDS = {1, 3, 7, 8, 10, 12, 13, 16, 17}


def plain(value: Any) -> Any:
    """The value that a vector describes."""
    match value:
        case {"$int": text}:
            return int(text)
        case {"$float": text}:
            return float(text)
        case {"$bytes": text}:
            return bytes.fromhex(text)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def same(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right) or left != left and right != right
    return left == right


def name(case: dict[str, Any]) -> str:
    return case["name"]


@pytest.mark.parametrize("case", FRAMES["frames"], ids=name)
def test_decodes_to_the_kind_and_value_of_the_vector(case):
    ((kind, body),) = FrameDecoder().feed(bytes.fromhex(case["hex"]))
    assert kind == case["kind"]
    assert same(msgspec.msgpack.decode(body), plain(case["value"]))
    if kind in HOST_KINDS:
        assert read_host_message(kind, body) is not None


@pytest.mark.parametrize("case", FRAMES["frames"], ids=name)
def test_encodes_the_value_of_the_vector_to_a_frame_that_decodes_to_it(case):
    buffer = bytearray()
    append_frame(buffer, case["kind"], plain(case["value"]))
    ((kind, body),) = FrameDecoder().feed(bytes(buffer))
    assert kind == case["kind"]
    assert same(msgspec.msgpack.decode(body), plain(case["value"]))


@pytest.mark.parametrize("case", FRAMES["skipped"], ids=name)
def test_skips_a_frame_of_an_unknown_kind(case):
    ((kind, body),) = FrameDecoder().feed(bytes.fromhex(case["hex"]))
    assert read_host_message(kind, body) is None


@pytest.mark.parametrize("case", [case for case in FRAMES["violations"] if case["by"] != "host"], ids=name)
def test_finds_the_violation_of_the_vector(case):
    with pytest.raises(Violation):
        decoder = FrameDecoder(case.get("maxFrameBytes", DEFAULT_MAX_FRAME_BYTES))
        ((kind, body),) = decoder.feed(bytes.fromhex(case["hex"]))
        read_host_message(kind, body)


@pytest.mark.parametrize("case", TEXTS, ids=name)
def test_replaces_lone_surrogates_as_the_vector_says(case):
    assert to_wire(case["text"]) == case["wire"]
    assert to_wire({case["text"]: [case["text"]]}) == {case["wire"]: [case["wire"]]}
