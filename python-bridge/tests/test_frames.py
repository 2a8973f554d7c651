"""Frames and their decoder, without a process."""

import itertools
from typing import Any

import msgspec
import pytest

from dspex_bridge.frames import HEADER_BYTES, FrameDecoder, Violation
from dspex_bridge.json_lines_codec import JsonLinesCodec
from dspex_bridge.kinds import Kind
from dspex_bridge.messages import ProtocolRange, choose_protocol, read_host_message
from dspex_bridge.msgpack_codec import MsgpackCodec

MESSAGES = [(Kind.PING, [1, 2.5]), (Kind.DRAIN, []), (Kind.PUT, ["hash", {"text": "x" * 300}]), (Kind.CANCEL, [2])]
MSGPACK = MsgpackCodec()

both = pytest.mark.parametrize("codec", [MSGPACK, JsonLinesCodec()], ids=lambda codec: codec.name)


def stream(codec):
    buffer = bytearray()
    for kind, value in MESSAGES:
        codec.append(buffer, kind, value, None)
    return bytes(buffer)


def decoded(codec, frames):
    return [(kind, codec.decode(Any, body, [])) for kind, body, _ in frames]


@both
def test_decodes_frames_that_arrive_in_one_chunk(codec):
    assert decoded(codec, codec.decoder(1024).feed(stream(codec))) == MESSAGES


@both
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 100])
def test_decodes_frames_that_arrive_in_small_chunks(codec, size):
    data = stream(codec)
    decoder = codec.decoder(1024)
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    assert decoded(codec, itertools.chain.from_iterable(map(decoder.feed, chunks))) == MESSAGES


@both
def test_decodes_frames_cut_at_any_byte(codec):
    data = stream(codec)
    for cut in range(len(data) + 1):
        decoder = codec.decoder(1024)
        frames = [*decoded(codec, decoder.feed(data[:cut])), *decoded(codec, decoder.feed(data[cut:]))]
        assert frames == MESSAGES, cut


def test_g4_a_length_above_the_limit_is_refused_before_anything_is_kept():
    decoder = FrameDecoder(1024)
    with pytest.raises(Violation, match="above the limit"):
        list(decoder.feed(b"\xff\xff\xff\xff\x01\x03\x00\x00"))


def test_a_value_of_exactly_the_limit_passes_and_one_more_byte_does_not():
    buffer = bytearray()
    MSGPACK.append(buffer, Kind.RESULT, b"x" * 1021, None)
    assert len(buffer) == HEADER_BYTES + 1024
    assert len(list(FrameDecoder(1024).feed(bytes(buffer)))) == 1
    with pytest.raises(Violation):
        list(FrameDecoder(1023).feed(bytes(buffer)))


def test_a_line_that_is_too_long_is_found_before_its_end_has_come():
    decoder = JsonLinesCodec().decoder(1024)
    with pytest.raises(Violation, match="above the limit"):
        list(decoder.feed(b'{"kind":"PUT","value":"' + b"x" * 2000))


@both
@pytest.mark.parametrize("value", [object(), "\ud800", [1, {"a": {1, 2}.__iter__()}]])
def test_a_value_that_cannot_be_written_leaves_what_was_written_alone(codec, value):
    buffer = bytearray(b"before")
    with pytest.raises(Exception):
        codec.append(buffer, Kind.RESULT, value, None)
    assert buffer == b"before"


def test_a_value_nested_too_deep_is_a_violation():
    with pytest.raises(Violation):
        read_host_message(MSGPACK, (Kind.PUT, b"\x92\xa1h" + b"\x91" * 100_000 + b"\xc0", []))
    with pytest.raises(Violation):
        read_host_message(JsonLinesCodec(), (Kind.PUT, b'["h",' + b"[" * 100_000 + b"]" * 100_001, []))


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (MSGPACK, b"\x92\xa1h" + b"\x91" * 511 + b"\x90"),
        (JsonLinesCodec(), b'["h",' + b"[" * 512 + b"]" * 513),
    ],
)
def test_a_value_of_512_levels_can_be_read(codec, body):
    assert read_host_message(codec, (Kind.PUT, body, [])).hash == "h"


@pytest.mark.parametrize(("lowest", "highest"), [(1, 1), (1, 7), (0, 1)])
def test_chooses_the_highest_common_protocol(lowest, highest):
    assert choose_protocol(ProtocolRange(lowest, highest)) == 1


@pytest.mark.parametrize(("lowest", "highest"), [(2, 3), (0, 0), (3, 1)])
def test_no_common_protocol_is_a_violation(lowest, highest):
    with pytest.raises(Violation):
        choose_protocol(ProtocolRange(lowest, highest))
