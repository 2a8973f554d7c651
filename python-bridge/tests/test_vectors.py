"""The cases that both halves of the bridge read."""

import datetime
import json
import math
from pathlib import Path
from typing import Any

import numpy
import pytest

from dspex_bridge.codec import to_wire
from dspex_bridge.frames import DEFAULT_MAX_FRAME_BYTES, Frame, FrameDecoder, Violation
from dspex_bridge.inbox import Chunk, Inbox
from dspex_bridge.json_lines_codec import JsonLinesCodec
from dspex_bridge.kinds import PARTS, Kind
from dspex_bridge.messages import read_host_message
from dspex_bridge.msgpack_codec import MsgpackCodec

VECTORS = Path(__file__).parents[1] / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


FRAMES = load("frames.json")
LINES = load("lines.json")
TRANSFERS = load("transfers.json")["transfers"]
TEXTS = load("texts.json")["texts"]
HOST_KINDS = {1, 3, 7, 8, 10, 12, 13, 16, 17, 18, 19, 20}
MSGPACK = MsgpackCodec()
JSON_LINES = JsonLinesCodec()


def plain(value: Any) -> Any:
    """The value that a vector describes."""
    match value:
        case {"$int": text}:
            return int(text)
        case {"$float": text}:
            return float(text)
        case {"$bytes": text}:
            return bytes.fromhex(text)
        case {"$datetime": text}:
            return datetime.datetime.fromisoformat(text)
        case {"$map": entries}:
            return {key: plain(item) for key, item in entries}
        case {"$ndarray": described}:
            return shaped(**described)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def shaped(dtype: str, shape: list[int], data: list[Any]) -> numpy.ndarray:
    return numpy.array(data, dtype=dtype).reshape(shape)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, numpy.ndarray) and isinstance(right, numpy.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tolist() == right.tolist()
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right) or left != left and right != right
    return left == right


def name(case: dict[str, Any]) -> str:
    return case["name"]


@pytest.mark.parametrize("case", FRAMES["frames"], ids=name)
def test_decodes_to_the_kind_and_value_of_the_vector(case):
    ((kind, body, _),) = FrameDecoder().feed(bytes.fromhex(case["hex"]))
    assert kind == case["kind"]
    assert same(MSGPACK.decode(Any, body, []), plain(case["value"]))
    if kind in HOST_KINDS:
        assert read_host_message(MSGPACK, (kind, body, [])) is not None


@pytest.mark.parametrize("codec", [MSGPACK, JSON_LINES], ids=["msgpack", "json-lines"])
@pytest.mark.parametrize("case", FRAMES["frames"], ids=name)
def test_encodes_the_value_of_the_vector_to_a_frame_that_decodes_to_it(case, codec):
    buffer = bytearray()
    codec.append(buffer, case["kind"], to_wire(plain(case["value"])), None)
    ((kind, body, _),) = codec.decoder(DEFAULT_MAX_FRAME_BYTES).feed(bytes(buffer))
    assert kind == case["kind"]
    assert same(codec.decode(Any, body, []), plain(case["value"]))


@pytest.mark.parametrize("case", LINES["lines"], ids=name)
def test_a_line_decodes_to_the_value_of_the_vector_which_is_encoded_to_it(case):
    ((kind, body, _),) = JSON_LINES.decoder(DEFAULT_MAX_FRAME_BYTES).feed(f"{case['line']}\n".encode())
    assert kind == case["kind"]
    assert same(JSON_LINES.decode(Any, body, []), plain(case["value"]))
    buffer = bytearray()
    JSON_LINES.append(buffer, kind, to_wire(plain(case["value"])), None)
    assert buffer.decode() == f"{case['line']}\n"


@pytest.mark.parametrize("case", FRAMES["skipped"], ids=name)
def test_skips_a_frame_of_an_unknown_kind(case):
    ((kind, body, _),) = FrameDecoder().feed(bytes.fromhex(case["hex"]))
    assert read_host_message(MSGPACK, (kind, body, [])) is None


@pytest.mark.parametrize("case", [case for case in FRAMES["violations"] if case["by"] != "host"], ids=name)
def test_finds_the_violation_of_the_vector(case):
    with pytest.raises(Violation):
        decoder = FrameDecoder(case.get("maxFrameBytes", DEFAULT_MAX_FRAME_BYTES))
        ((kind, body, _),) = decoder.feed(bytes.fromhex(case["hex"]))
        read_host_message(MSGPACK, (kind, body, []))


@pytest.mark.parametrize("case", LINES["violations"], ids=name)
def test_finds_the_violation_of_the_line(case):
    with pytest.raises(Violation):
        ((kind, body, _),) = JSON_LINES.decoder(DEFAULT_MAX_FRAME_BYTES).feed(f"{case['line']}\n".encode())
        read_host_message(JSON_LINES, (kind, body, []))


def parts_at_once(case: dict[str, Any]) -> list[Frame]:
    """What is whole when the frames are handed to the inbox one by one."""
    inbox = Inbox(case.get("windowBytes", DEFAULT_MAX_FRAME_BYTES))
    parts = [frame for hex in case["frames"] for frame in FrameDecoder().feed(bytes.fromhex(hex))]
    taken = [inbox.take(read_host_message(MSGPACK, part)) for part in parts]
    return [whole for whole in taken if whole is not None]


def parts_of_stream(case: dict[str, Any], size: int) -> list[Frame]:
    """The same when the decoder puts chunks in their places, and the stream breaks after every `size` bytes."""
    inbox = Inbox(case.get("windowBytes", DEFAULT_MAX_FRAME_BYTES))
    decoder = FrameDecoder(DEFAULT_MAX_FRAME_BYTES, inbox)
    stream = b"".join(usual_form(bytes.fromhex(hex)) for hex in case["frames"])
    whole = []
    for start in range(0, len(stream), size):
        for frame in decoder.feed(stream[start : start + size]):
            if frame[0] not in PARTS:
                whole.append(frame)
            elif (completed := inbox.take(read_host_message(MSGPACK, frame))) is not None:
                whole.append(completed)
    return whole


def usual_form(frame: bytes) -> bytes:
    """A CHUNK as a sender writes it; any other frame as it is."""
    if frame[5] != Kind.CHUNK:
        return frame
    try:
        chunk = MSGPACK.decode(Chunk, frame[8:], [])
    except ValueError:
        return frame
    return b"".join(MSGPACK.chunk(chunk.id, chunk.data))


def check_whole(case: dict[str, Any], frames: list[Frame]) -> None:
    expected = [(message["kind"], plain(message["value"])) for message in case["messages"]]
    whole = [(kind, MSGPACK.decode(Any, body, segments)) for kind, body, segments in frames if kind < 100]
    assert [kind for kind, _ in whole] == [kind for kind, _ in expected]
    assert same([value for _, value in whole], [value for _, value in expected])


@pytest.mark.parametrize("case", [case for case in TRANSFERS if "messages" in case], ids=name)
def test_puts_together_what_arrives_in_chunks(case):
    check_whole(case, parts_at_once(case))
    for size in (1, 2, 7, 19, 20, 21, 64, 1_000_000):
        check_whole(case, parts_of_stream(case, size))


@pytest.mark.parametrize("case", [case for case in TRANSFERS if "violation" in case], ids=name)
def test_finds_the_violation_of_the_transfer(case):
    with pytest.raises(Violation):
        parts_at_once(case)
    for size in (1, 20, 1_000_000):
        with pytest.raises(Violation):
            parts_of_stream(case, size)


@pytest.mark.parametrize("case", TEXTS, ids=name)
def test_replaces_lone_surrogates_as_the_vector_says(case):
    assert to_wire(case["text"]) == case["wire"]
    assert to_wire({case["text"]: [case["text"]]}) == {case["wire"]: [case["wire"]]}
