"""Frames of a host gone wrong: whatever comes, a worker understands it or ends with a violation."""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from host import CODECS, WAIT_SECONDS, Worker, encoded, hello
from scale import scaled, seed
from test_vectors import FRAMES, plain

from dspex_bridge.codec import to_wire
from dspex_bridge.frames import DEFAULT_MAX_FRAME_BYTES, Violation
from dspex_bridge.inbox import Inbox
from dspex_bridge.kinds import PARTS, Kind
from dspex_bridge.messages import read_host_message

WINDOW = 100_000
SEED = seed()

both = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())


def in_chunks(codec: Any, transfer: int, value: Any, size: int) -> bytes:
    frame = bytearray()
    start, end = codec.append(frame, Kind.UPRESULT, [1, True, value], None)
    chunks = [codec.chunk(transfer, memoryview(frame)[at : min(at + size, end)]) for at in range(start, end, size)]
    begin = encoded(codec.name, Kind.BEGIN, [transfer, Kind.UPRESULT, [end - start]])
    return begin + b"".join(bytes(buffer) for buffers in chunks for buffer in buffers)


def corpus(codec: Any) -> list[bytes]:
    """What a host may well say."""
    frames = [
        encoded(codec.name, case["kind"], to_wire(plain(case["value"])))
        for case in FRAMES["frames"]
        if case["kind"] not in PARTS
    ]
    return [*frames, in_chunks(codec, 1, {"a": [1, 2, 3]}, 1), in_chunks(codec, 2, "x" * 300, 50)]


Mutation = Callable[[bytes, random.Random], bytes]


def changed(data: bytes, rng: random.Random) -> bytes:
    mutable = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        mutable[rng.randrange(len(mutable))] = rng.randrange(256)
    return bytes(mutable)


def spliced(data: bytes, rng: random.Random, taken: int, put: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + put + data[at + taken :]


def with_length(data: bytes, rng: random.Random) -> bytes:
    length = rng.choice([0, 3, 4, 5, len(data), 2**31, 2**32 - 1, rng.randrange(1000)])
    return length.to_bytes(4, "big") + data[4:]


MUTATIONS: list[Mutation] = [
    lambda data, rng: data,
    changed,
    lambda data, rng: data[: rng.randrange(len(data))],
    lambda data, rng: spliced(data, rng, rng.randrange(1, 20), b""),
    lambda data, rng: spliced(data, rng, 0, rng.randbytes(rng.randrange(1, 20))),
    with_length,
    lambda data, rng: data[:12] + b"\x91" * rng.randrange(200, 2200) + data[12:],
    lambda data, rng: rng.randbytes(rng.randrange(1, 200)),
]


def messages(codec: Any, stream: bytes, sizes: Iterator[int], window: int = WINDOW) -> list[tuple[int, Any]]:
    """What a worker makes of a stream that breaks into such pieces."""
    inbox = Inbox(window)
    decoder = codec.decoder(window, inbox)
    understood = []
    at = 0
    while at < len(stream):
        size = next(sizes)
        for frame in decoder.feed(stream[at : at + size]):
            message = read_host_message(codec, frame)
            if frame[0] in PARTS:
                frame = inbox.take(message)
                message = None if frame is None else read_host_message(codec, frame)
            if message is not None:
                understood.append((frame[0], message))
        at += size
    return understood


def pieces(rng: random.Random) -> Iterator[int]:
    most = rng.choice([10, 1_000, 100_000])
    while True:
        yield rng.randrange(1, most + 1)


def shown(understood: list[tuple[int, Any]]) -> str:
    """NaN is not equal to itself; and where in memory an array lies is not what counts."""
    return re.sub("<memory at [^>]*>", "an array", repr(understood))


@both
def test_a_host_is_understood_wherever_its_stream_breaks(codec):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    stream = b"".join(corpus(codec))
    expected = shown(messages(codec, stream, iter([len(stream)])))
    for _ in range(scaled(10)):
        assert shown(messages(codec, stream, pieces(rng))) == expected
    assert shown(messages(codec, stream, iter(lambda: 1, 0))) == expected


@both
def test_a_host_is_understood_or_ended_whatever_it_sends(codec):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    frames = corpus(codec)
    understood = ended = 0
    for _ in range(scaled(10_000)):
        parts = [rng.choice(MUTATIONS)(rng.choice(frames), rng) for _ in range(rng.randrange(1, 4))]
        try:
            messages(codec, b"".join(parts), pieces(rng))
            understood += 1
        except Violation:
            ended += 1
    assert min(understood, ended) > scaled(500)


@pytest.mark.parametrize("codec", ["msgpack", "json-lines"])
def test_a_real_worker_lives_through_whatever_is_of_the_right_shape(codec):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    with Worker(codec=codec) as worker:
        for _ in range(scaled(1_500)):
            worker.send(*nonsense(rng))
        assert worker.ping()["rssBytes"] > 0
        assert worker.call("dspex_bridge.builtins:echo", "still here") == "still here"


def nonsense(rng: random.Random) -> tuple[int, Any]:
    """A message whose shape is right and which says nothing."""
    id = rng.choice([1, 2, rng.randrange(1, 2**53), rng.randrange(2**40, 2**53)])
    value = rng.choice([None, 1, -0.5, "text", [1, [2]], {"a": {}}, "x" * 1000, b"\0"])
    call_id = rng.randrange(2**30, 2**53)
    target = rng.choice([{"function": "os:getcwd"}, {"function": "no:name"}, {"function": "..."}, {"program": "hash"}])
    context = rng.choice([{}, {"stream": {"credits": 1}}, {"depth": 3}, {"traceparent": "00-x"}, {"lm": {"name": "x"}}])
    return rng.choice(
        [
            (Kind.CALL, [call_id, target, value, rng.choice([None, 0.0, 1e12]), context]),
            (Kind.CANCEL, [id]),
            (Kind.CREDIT, [id, rng.randrange(1, 65_537)]),
            (Kind.STREAM, [id, value]),
            (Kind.UPRESULT, [id, rng.choice([True, False]), value]),
            (Kind.PUT, [rng.choice(["hash", "other"]), value]),
            (Kind.RESULT, [id, value, {}]),
        ]
    )


@both
def test_a_real_worker_ends_with_a_violation_and_says_so(codec):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    frames = corpus(codec)
    for _ in range(scaled(3)):
        broken = b""
        while not broken:
            candidate = changed(rng.choice(frames), rng)
            try:
                # What comes with HELLO is measured by the limit from before it.
                messages(codec, candidate, iter([len(candidate)]), DEFAULT_MAX_FRAME_BYTES)
            except Violation:
                broken = candidate
        with Worker(greet=False, codec=codec.name) as worker:
            worker.write(encoded(codec.name, Kind.HELLO, hello()) + broken)
            assert worker.wait(WAIT_SECONDS) == 76
            assert "the host broke the protocol" in worker.stderr()
