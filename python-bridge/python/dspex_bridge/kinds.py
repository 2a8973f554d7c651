"""The kinds of frames (`docs/protocol.md` §4)."""

from enum import IntEnum


class Kind(IntEnum):
    """Frame kinds."""

    HELLO = 1
    READY = 2
    CALL = 3
    RESULT = 4
    ERROR = 5
    UPCALL = 6
    UPRESULT = 7
    CANCEL = 8
    UPCANCEL = 9
    PING = 10
    PONG = 11
    PUT = 12
    DRAIN = 13
    BYE = 14
    LOG = 15
    STREAM = 16
    CREDIT = 17
    BEGIN = 18
    CHUNK = 19
    DROP = 20


ANSWERS = frozenset((Kind.RESULT, Kind.ERROR, Kind.UPRESULT))
"""Somebody waits for these: their window is their own."""

PARTS = frozenset((Kind.BEGIN, Kind.CHUNK, Kind.DROP))
"""What a large message consists of."""
