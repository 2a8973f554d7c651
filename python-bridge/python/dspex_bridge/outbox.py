"""What is to be sent, and in which order (`docs/protocol.md` §6).

Small messages leave at once; large ones in chunks, each in its turn, so that a small one waits for no more than a chunk.
What has begun and is not whole yet may take as many bytes as the peer allows, answers and all else separately: an
answer, for which somebody waits, is held up by nothing but other answers. Pure: it knows no descriptor and no loop.
"""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .kinds import ANSWERS, Kind
from .wire_codec import Buffer, WireCodec

MAX_OPEN = 64
"""Large messages on their way at a time: a quarter of what a receiver takes."""


@dataclass(slots=True)
class Message:
    """An encoded message: its plain frame, and what of it is the value."""

    kind: int
    line: int | None
    """What it must not overtake, as `line_of` says."""
    frame: bytes | bytearray
    body: memoryview
    segments: list[memoryview]

    @property
    def size(self) -> int:
        """Bytes of the value, its segments included."""
        return len(self.body) + sum(map(len, self.segments))


@dataclass(slots=True, eq=False)
class _Transfer:
    """A large message on its way in chunks."""

    message: Message
    size: int
    parts: list[memoryview]
    """Its body, then its segments."""
    id: int = 0
    """0 until it has begun."""
    part: int = 0
    offset: int = 0
    """Where the next chunk begins: in which part, and where in it."""
    followers: list[Message] = field(default_factory=list)
    """Messages of the same line, which must not overtake it."""

    @property
    def is_answer(self) -> bool:
        return self.message.kind in ANSWERS

    @property
    def is_whole(self) -> bool:
        return self.part == len(self.parts)

    def next_chunk(self, size: int) -> memoryview:
        part = self.parts[self.part]
        chunk = part[self.offset : self.offset + size]
        self.offset += len(chunk)
        if self.offset == len(part):
            self.part += 1
            self.offset = 0
        return chunk


class Outbox:
    """The messages that have not been handed to the descriptor."""

    def __init__(self, codec: WireCodec, window_bytes: int | None) -> None:
        """`window_bytes`: what the peer takes in chunks, in each of the two classes; `None` where it takes no chunks."""
        self._codec = codec
        self._window_bytes = window_bytes
        self._plain_bytes = sys.maxsize if window_bytes is None else codec.chunk_bytes
        self.small = bytearray()
        """Plain frames, to be written next. Whoever encodes one may put it here when no line waits."""
        self._open: deque[_Transfer] = deque()
        self._waiting: dict[bool, deque[_Transfer]] = {True: deque(), False: deque()}
        self._open_bytes = {True: 0, False: 0}
        self._lines: dict[int, _Transfer] = {}
        self._last_id = 0
        self.large_bytes = 0
        """Bytes of large messages that are not sent whole, and of what is behind them. Any thread may read it."""

    @property
    def lines(self) -> Iterator[int]:
        """The lines that wait for a large message."""
        return iter(self._lines)

    @property
    def is_empty(self) -> bool:
        return not self.small and not self._lines

    def may_leave_at_once(self, line: int | None, size: int, segments: list[memoryview] | None) -> bool:
        """Whether a message of this size is small, and has nothing in front of it."""
        if line is None:
            return True
        return not segments and size <= self._plain_bytes and line not in self._lines

    def add(self, message: Message) -> None:
        ahead = None if message.line is None else self._lines.get(message.line)
        if ahead is not None:
            ahead.followers.append(message)
            self.large_bytes += message.size
        elif self.may_leave_at_once(message.line, len(message.body), message.segments):
            self.small += message.frame
        else:
            self._transfer(message)

    def next(self) -> list[Buffer]:
        """What to write next: everything small, and one chunk. Empty: there is nothing."""
        buffers: list[Buffer] = []
        if self.small:
            buffers.append(self.small)
            self.small = bytearray()
        if self._open:
            transfer = self._open.popleft()
            buffers += self._codec.chunk(transfer.id, transfer.next_chunk(self._codec.chunk_bytes))
            if transfer.is_whole:
                self._over(transfer)
                for follower in transfer.followers:
                    self.add(follower)
            else:
                self._open.append(transfer)
        return buffers

    def withdraw(self, line: int) -> bool:
        """Takes back the large message that a line waits for, and what is behind it: the peer will not see them.

        Returns:
            Whether there was one.
        """
        transfer = self._lines.get(line)
        if transfer is None:
            return False
        if transfer.id:
            self._open.remove(transfer)
            self._codec.append(self.small, Kind.DROP, [transfer.id], None)
        else:
            self._waiting[transfer.is_answer].remove(transfer)
        self._over(transfer)
        return True

    def _transfer(self, message: Message) -> None:
        transfer = _Transfer(message, message.size, [message.body, *message.segments])
        assert message.line is not None
        self._lines[message.line] = transfer
        self.large_bytes += transfer.size
        self._waiting[transfer.is_answer].append(transfer)
        self._begin(transfer.is_answer)

    def _begin(self, answers: bool) -> None:
        """Begins what fits into the window, in order."""
        waiting = self._waiting[answers]
        window = self._window_bytes or 0
        while waiting and len(self._open) < MAX_OPEN and self._open_bytes[answers] + waiting[0].size <= window:
            transfer = waiting.popleft()
            self._open_bytes[answers] += transfer.size
            self._last_id += 1
            transfer.id = self._last_id
            sizes = [len(part) for part in transfer.parts]
            self._codec.append(self.small, Kind.BEGIN, [transfer.id, transfer.message.kind, sizes], None)
            self._open.append(transfer)

    def _over(self, transfer: _Transfer) -> None:
        """A large message needs its place no more: what waited for that moves up."""
        assert transfer.message.line is not None
        del self._lines[transfer.message.line]
        self.large_bytes -= transfer.size + sum(follower.size for follower in transfer.followers)
        if transfer.id:
            self._open_bytes[transfer.is_answer] -= transfer.size
        self._begin(True)
        self._begin(False)


# As plain numbers: every message is looked at.
_OF_CALLS = frozenset(map(int, (Kind.STREAM, Kind.RESULT, Kind.ERROR)))
_UPCALL = int(Kind.UPCALL)


def line_of(kind: int, id: int) -> int | None:
    """What keeps its order among the messages of a worker: the items and the answer of a call, or an upcall. All else is
    small, and belongs to what the peer has seen already."""
    if kind in _OF_CALLS:
        return id
    return upcall_line(id) if kind == _UPCALL else None


def upcall_line(id: int) -> int:
    """The line of an upcall's question."""
    return -id
