"""The worker's end of the wire, without a worker: the test is the host at the other end of a pair of sockets."""

import asyncio
import os
import socket
from typing import Any

import pytest

from dspex_bridge import connection as connection_module
from dspex_bridge.codec import to_wire
from dspex_bridge.connection import Connection
from dspex_bridge.frames import DEFAULT_MAX_FRAME_BYTES, FrameTooLarge
from dspex_bridge.inbox import Inbox
from dspex_bridge.json_lines_codec import JsonLinesCodec
from dspex_bridge.kinds import PARTS, Kind
from dspex_bridge.messages import Hello, ProtocolRange, read_host_message
from dspex_bridge.msgpack_codec import MsgpackCodec

EVERYTHING = ["chunks", "datetime", "bigint", "ndarray"]
LARGE = 1_000_000


class Ends:
    """A connection, and the host's end of its wire."""

    def __init__(self, codec: Any, capabilities: list[str] = EVERYTHING, max_frame_bytes: int = 16 * 1024 * 1024):
        self.codec = codec
        self.host, self.worker = socket.socketpair()
        self.host.setblocking(False)
        self.loop = asyncio.new_event_loop()
        self.received: list[tuple[int, Any]] = []
        self.violations: list[str] = []
        hello = Hello(ProtocolRange(1, 1), "r", "w", max_frame_bytes, 1, 1, 0.0, [], {}, [], capabilities)
        inbox = Inbox(max_frame_bytes)
        self.connection = Connection(
            self.loop,
            self.worker.fileno(),
            self.worker.fileno(),
            codec,
            codec.decoder(max_frame_bytes, inbox),
            inbox,
            hello,
            on_message=lambda kind, message: self.received.append((kind, message)),
            on_violation=self.violations.append,
            on_end=lambda: None,
        )
        self.connection.start([])
        self._decoder = codec.decoder(DEFAULT_MAX_FRAME_BYTES)
        self._inbox = Inbox(max_frame_bytes)
        self.kinds: list[int] = []

    def close(self) -> None:
        self.loop.remove_reader(self.worker.fileno())
        self.loop.remove_writer(self.worker.fileno())
        self.loop.close()
        self.host.close()
        self.worker.close()

    def turn(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.loop.run_until_complete(asyncio.sleep(0))

    def read(self, size: int = 1 << 20) -> list[tuple[int, Any]]:
        """The messages that so many bytes make whole."""
        try:
            chunk = self.host.recv(size)
        except BlockingIOError:
            return []
        messages = []
        for frame in self._decoder.feed(chunk):
            self.kinds.append(frame[0])
            whole = self._inbox.take(read_host_message(self.codec, frame)) if frame[0] in PARTS else frame
            if whole is not None:
                kind, body, segments = whole
                messages.append((kind, self.codec.decode(Any, body, segments)))
        return messages

    def read_all(self, turns: int = 2_000) -> list[tuple[int, Any]]:
        """The messages until nothing more comes."""
        messages = []
        idle = 0
        while idle < 3 and turns > 0:
            turns -= 1
            self.turn()
            more = self.read()
            idle = 0 if more or self.connection.unread_bytes else idle + 1
            messages += more
        return messages

    def write(self, kind: int, value: Any) -> None:
        buffer = bytearray()
        self.codec.append(buffer, kind, value, None)
        self.host.setblocking(True)
        self.host.sendall(buffer)
        self.host.setblocking(False)


@pytest.fixture(params=[MsgpackCodec, JsonLinesCodec], ids=["msgpack", "json-lines"])
def ends(request):
    ends = Ends(request.param())
    yield ends
    ends.close()


def test_messages_of_one_turn_leave_in_one_write(ends):
    for n in range(1, 4):
        ends.connection.send(Kind.UPCANCEL, [n])
    assert ends.read() == []
    ends.turn()
    assert ends.read() == [(Kind.UPCANCEL, [n]) for n in range(1, 4)]


def test_a_message_larger_than_the_host_takes_is_refused_and_nothing_is_sent(ends):
    ends.connection.send(Kind.UPCANCEL, [1])
    for value in ("x" * 17_000_000, bytes(17_000_000)):
        with pytest.raises(FrameTooLarge):
            ends.connection.send(Kind.RESULT, [1, to_wire(value), {}])
        with pytest.raises(FrameTooLarge):
            ends.connection.encode(Kind.STREAM, [1, to_wire(value)])
    ends.turn()
    assert ends.read() == [(Kind.UPCANCEL, [1])]


@pytest.mark.parametrize("value", ["x" * LARGE, bytes(LARGE), [bytes(100_000), "x" * 300_000, bytes(70_000)]])
def test_a_large_message_arrives_as_it_was(ends, value):
    ends.connection.send(Kind.RESULT, [1, to_wire(value), {}])
    assert ends.read_all() == [(Kind.RESULT, [1, value, {}])]
    assert ends.kinds[0] == Kind.BEGIN
    assert ends.connection.unread_bytes == 0


def test_a_host_that_takes_no_chunks_gets_plain_frames():
    ends = Ends(MsgpackCodec(), [])
    ends.connection.send(Kind.RESULT, [1, to_wire([bytes(LARGE), "x" * LARGE]), {}])
    assert ends.read_all() == [(Kind.RESULT, [1, [bytes(LARGE), "x" * LARGE], {}])]
    assert ends.kinds == [Kind.RESULT]
    ends.close()


def test_small_messages_overtake_a_large_one_but_not_of_their_own_call(ends):
    ends.connection.send(Kind.STREAM, [7, to_wire("x" * LARGE)])
    ends.connection.send(Kind.STREAM, [7, "behind it"])
    ends.connection.send(Kind.PONG, [1, {}])
    ends.connection.send_encoded(ends.connection.encode(Kind.STREAM, [8, "of another call"]))
    ends.connection.send(Kind.RESULT, [7, None, {}])
    order = [(kind, value[0]) for kind, value in ends.read_all()]
    assert order == [(Kind.PONG, 1), (Kind.STREAM, 8), (Kind.STREAM, 7), (Kind.STREAM, 7), (Kind.RESULT, 7)]


def test_answers_that_are_not_sent_whole_are_known(ends):
    ends.connection.send(Kind.RESULT, [7, "x" * LARGE, {}])
    ends.connection.send(Kind.UPCALL, [3, 7, "lm", "x" * LARGE])
    assert list(ends.connection.unsent_answers) == [7]
    ends.read_all()
    assert list(ends.connection.unsent_answers) == []


def test_items_and_questions_can_be_taken_back(ends):
    ends.connection.send(Kind.STREAM, [7, "x" * LARGE])
    ends.connection.send(Kind.STREAM, [7, "behind it"])
    ends.connection.send(Kind.UPCALL, [3, 7, "lm", "x" * LARGE])
    ends.turn()
    ends.connection.withdraw_items(7)
    assert ends.connection.withdraw_upcall(3)
    assert not ends.connection.withdraw_upcall(3)
    ends.connection.send(Kind.ERROR, [7, {}, None])
    assert ends.read_all() == [(Kind.ERROR, [7, {}, None])]
    assert ends.kinds.count(Kind.DROP) == ends.kinds.count(Kind.BEGIN) == 2


def test_g4_no_more_begins_than_the_window_has_room_for_and_answers_have_one_of_their_own():
    ends = Ends(MsgpackCodec(), max_frame_bytes=2_500_000)
    for n in range(1, 6):
        ends.connection.send(Kind.STREAM, [n, to_wire(bytes(LARGE))])
        ends.connection.send(Kind.RESULT, [n + 100, to_wire(bytes(LARGE)), {}])
    # The host's inbox finds a BEGIN beyond its window.
    assert len(ends.read_all()) == 10
    ends.close()


def test_g4_items_and_questions_wait_for_a_host_that_does_not_read(ends):
    told = []
    assert ends.connection.has_room
    ends.connection.when_room(lambda: told.append("at once"))
    while ends.connection.has_room:
        ends.connection.send(Kind.STREAM, [1, "x" * 10_000])
        ends.turn()
    ends.connection.when_room(lambda: told.append("first"))
    ends.connection.when_room(lambda: told.append("second"))
    ends.turn(5)
    assert told == ["at once"]
    ends.read_all()
    assert told == ["at once", "first", "second"]


def test_g4_a_host_that_leaves_too_much_unread_is_not_read_from(ends, monkeypatch):
    monkeypatch.setattr(connection_module, "MAX_UNREAD_SMALL_BYTES", 4_000_000)
    for n in range(1, 151):
        ends.connection.send(Kind.ERROR, [n, "x" * 40_000, None])
    ends.turn(3)
    ends.write(Kind.CANCEL, [1])
    ends.turn(3)
    assert ends.received == []
    assert len(ends.read_all()) == 150
    assert [kind for kind, _ in ends.received] == [Kind.CANCEL]


def test_logs_are_dropped_while_the_host_does_not_keep_up(ends):
    assert ends.connection.send_logs([("stdout", "info", "line")])
    for n in range(1, 40):
        ends.connection.send(Kind.ERROR, [n, "x" * 50_000, None])
    ends.turn()
    assert not ends.connection.send_logs([("stdout", "info", "line")])
    ends.read_all()
    assert ends.connection.send_logs([("stdout", "info", "line")])


def test_the_last_message_follows_everything(ends):
    told = []
    ends.connection.send(Kind.RESULT, [7, "x" * LARGE, {}])
    ends.connection.send_last(Kind.BYE, [], lambda: told.append("sent"))
    ends.write(Kind.CANCEL, [1])
    kinds = [kind for kind, _ in ends.read_all()]
    while not told:
        ends.loop.run_until_complete(asyncio.sleep(0.001))
        kinds += [kind for kind, _ in ends.read()]
    assert kinds == [Kind.RESULT, Kind.BYE]
    assert ends.received == []


def test_large_messages_of_the_host_arrive_whole_among_small_ones(ends):
    body = bytearray()
    start, end = ends.codec.append(body, Kind.UPRESULT, [5, True, "x" * 1000], None)
    ends.write(Kind.BEGIN, [1, Kind.UPRESULT, [end - start]])
    ends.write(Kind.CHUNK, [1, bytes(body[start : start + 500])])
    ends.write(Kind.CANCEL, [9])
    ends.write(Kind.CHUNK, [1, bytes(body[start + 500 : end])])
    while len(ends.received) < 2:
        ends.turn()
    (first, _), (second, message) = ends.received
    assert (first, second, message.value) == (Kind.CANCEL, Kind.UPRESULT, "x" * 1000)


def test_a_transfer_that_breaks_the_rules_is_a_violation(ends):
    ends.write(Kind.CHUNK, [1, b"x"])
    while not ends.violations:
        ends.turn()
    assert "nothing that has begun" in ends.violations[0]


def test_descriptors_are_not_blocking(ends):
    assert not os.get_blocking(ends.worker.fileno())
