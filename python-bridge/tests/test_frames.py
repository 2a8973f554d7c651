"""Frames and their decoder, without a process."""

import itertools

import msgspec
import pytest

from dspex_bridge.frames import HEADER_BYTES, FrameDecoder, FrameTooLarge, Violation, append_frame
from dspex_bridge.messages import Kind, ProtocolRange, choose_protocol, read_host_message

MESSAGES = [(Kind.PING, [1, 2.5]), (Kind.DRAIN, []), (Kind.PUT, ["hash", {"text": "x" * 300}]), (Kind.CANCEL, [2])]


def stream():
    buffer = bytearray()
    for kind, value in MESSAGES:
        append_frame(buffer, kind, value)
    return bytes(buffer)


def decoded(frames):
    return [(kind, msgspec.msgpack.decode(body)) for kind, body in frames]


def test_decodes_frames_that_arrive_in_one_chunk():
    assert decoded(FrameDecoder().feed(stream())) == MESSAGES


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 100])
def test_decodes_frames_that_arrive_in_small_chunks(size):
    data = stream()
    decoder = FrameDecoder()
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    assert decoded(itertools.chain.from_iterable(map(decoder.feed, chunks))) == MESSAGES


def test_decodes_frames_cut_at_any_byte():
    data = stream()
    for cut in range(len(data) + 1):
        decoder = FrameDecoder()
        frames = decoded(decoder.feed(data[:cut])) + decoded(decoder.feed(data[cut:]))
        assert frames == MESSAGES, cut


def test_g4_a_length_above_the_limit_is_refused_before_anything_is_kept():
    decoder = FrameDecoder(1024)
    with pytest.raises(Violation, match="above the limit"):
        decoder.feed(b"\xff\xff\xff\xff\x01\x03\x00\x00")


def test_a_value_of_exactly_the_limit_passes_and_one_more_byte_does_not():
    buffer = bytearray()
    append_frame(buffer, Kind.RESULT, b"x" * 1021, 1024)
    assert len(buffer) == HEADER_BYTES + 1024
    assert len(FrameDecoder(1024).feed(bytes(buffer))) == 1
    with pytest.raises(FrameTooLarge) as refused:
        append_frame(buffer, Kind.RESULT, b"x" * 1022, 1024)
    assert (refused.value.size, refused.value.limit) == (1025, 1024)
    with pytest.raises(Violation):
        FrameDecoder(1023).feed(bytes(buffer))


@pytest.mark.parametrize("value", [object(), 2**64, "\ud800", "x" * 2000])
def test_a_value_that_cannot_be_written_leaves_what_was_written_alone(value):
    buffer = bytearray(b"before")
    with pytest.raises(Exception):
        append_frame(buffer, Kind.RESULT, value, 1024)
    assert buffer == b"before"


def test_a_value_nested_too_deep_is_a_violation():
    with pytest.raises(Violation):
        read_host_message(Kind.PUT, b"\x92\xa1h" + b"\x91" * 100_000 + b"\xc0")


def test_a_value_of_512_levels_can_be_read():
    assert read_host_message(Kind.PUT, b"\x92\xa1h" + b"\x91" * 511 + b"\x90").hash == "h"


@pytest.mark.parametrize(("lowest", "highest"), [(1, 1), (1, 7), (0, 1)])
def test_chooses_the_highest_common_protocol(lowest, highest):
    assert choose_protocol(ProtocolRange(lowest, highest)) == 1


@pytest.mark.parametrize(("lowest", "highest"), [(2, 3), (0, 0), (3, 1)])
def test_no_common_protocol_is_a_violation(lowest, highest):
    with pytest.raises(Violation):
        choose_protocol(ProtocolRange(lowest, highest))
