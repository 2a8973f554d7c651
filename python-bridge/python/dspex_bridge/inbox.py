"""Large messages as they arrive in chunks (`docs/protocol.md` §6).

What a peer announces is checked before memory is taken for it; each part gets memory of its own, into which its chunks
are put. Pure: bytes in, messages out.
"""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from .frames import Frame, Violation
from .kinds import ANSWERS, PARTS, Kind
from .memory import Memory

MAX_OPEN = 256
"""Large messages that arrive at a time."""

_Count = Annotated[int, Meta(gt=0, lt=2**53)]


class Begin(Struct, array_like=True):
    """BEGIN: a message of this kind follows in chunks; `sizes` are those of its value and its segments."""

    id: _Count
    kind: _Count
    sizes: Annotated[list[_Count], Meta(min_length=1, max_length=65_536)]


class Chunk(Struct, array_like=True):
    """CHUNK: the next bytes of a message that has begun."""

    id: _Count
    data: memoryview


class Drop(Struct, array_like=True):
    """DROP: the rest of a message will not come."""

    id: _Count


@dataclass(slots=True)
class _Arrival:
    """A message that has begun: its parts, and where the next chunk goes."""

    kind: int
    parts: list[memoryview]
    size: int
    part: int = 0
    offset: int = 0


class Inbox:
    """The large messages that have begun and are not whole."""

    def __init__(self, window_bytes: int) -> None:
        """`window_bytes`: how many bytes of messages may have begun, answers and all else separately."""
        self.window_bytes = window_bytes
        self._memory = Memory()
        self._open: dict[int, _Arrival] = {}
        self._open_bytes = {True: 0, False: 0}

    def take(self, part: Begin | Chunk | Drop) -> Frame | None:
        """Takes the next part; returns the message that it completes.

        Raises:
            Violation
        """
        match part:
            case Chunk():
                self.place(part.id, len(part.data))[:] = part.data
                return self.placed(part.id)
            case Begin():
                self._begin(part)
            case Drop():
                self._arrival(part.id)
                self._close(part.id)
        return None

    def place(self, transfer: int, size: int) -> memoryview:
        arrival = self._arrival(transfer)
        part = arrival.parts[arrival.part]
        start, end = arrival.offset, arrival.offset + size
        if not start < end <= len(part):
            raise Violation(f"a CHUNK of {size} bytes, which its part has no room for")
        arrival.offset = end
        return part[start:end]

    def placed(self, transfer: int) -> Frame | None:
        arrival = self._arrival(transfer)
        if arrival.offset < len(arrival.parts[arrival.part]):
            return None
        arrival.part += 1
        arrival.offset = 0
        if arrival.part < len(arrival.parts):
            return None
        self._close(transfer)
        body, *segments = arrival.parts
        return arrival.kind, body, segments

    def _begin(self, begin: Begin) -> None:
        if begin.id in self._open:
            raise Violation(f"a BEGIN with the id {begin.id} of one that is on its way")
        if begin.kind in PARTS:
            raise Violation(f"a BEGIN of a {Kind(begin.kind).name}")
        size = sum(begin.sizes)
        is_answer = begin.kind in ANSWERS
        if len(self._open) >= MAX_OPEN or self._open_bytes[is_answer] + size > self.window_bytes:
            raise Violation(f"a BEGIN of {size} bytes beyond the window of {self.window_bytes}")
        self._open_bytes[is_answer] += size
        self._open[begin.id] = _Arrival(begin.kind, list(map(self._memory.take, begin.sizes)), size)

    def _arrival(self, transfer: int) -> _Arrival:
        arrival = self._open.get(transfer)
        if arrival is None:
            raise Violation("a CHUNK or DROP of nothing that has begun")
        return arrival

    def _close(self, transfer: int) -> None:
        arrival = self._open.pop(transfer)
        self._open_bytes[arrival.kind in ANSWERS] -= arrival.size
