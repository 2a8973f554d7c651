"""The messages of `docs/protocol.md` §4: kinds, and the shapes of what the host sends.

Decoding checks the shape: further elements of an array and further keys of a map are ignored, anything else that does
not fit is a `Violation`.
"""

import datetime
from enum import IntEnum
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from .frames import MIN_MAX_FRAME_BYTES, Violation

PROTOCOL_MIN = PROTOCOL_MAX = 1


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


Id = Annotated[int, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Credits = Annotated[int, Meta(ge=1, le=65_536)]


class ProtocolRange(Struct):
    """Protocol versions that a side speaks."""

    min: int
    max: int


class Hello(Struct, rename="camel"):
    """What the host tells a worker first."""

    protocol: ProtocolRange
    run_id: str
    worker_id: str
    max_frame_bytes: Annotated[int, Meta(ge=MIN_MAX_FRAME_BYTES)]
    threads: Count
    max_in_flight: Count
    monotonic_ms: float
    paths: list[str]
    seams: dict[str, bool]


class Target(Struct):
    """What a call runs: `function` ("package.module:name") or `program` (the hash of a spec)."""

    function: str | None = None
    program: str | None = None


class LmContext(Struct):
    """The host endpoint of a call's LM requests, and the LM parameters."""

    name: str
    config: dict[str, Any] = {}


class StreamContext(Struct):
    """A call that is a stream, and how many items it may send at first."""

    credits: Credits


class CallContext(Struct):
    """What surrounds a call."""

    lm: LmContext | None = None
    stream: StreamContext | None = None


class CallMessage(Struct, array_like=True):
    """CALL."""

    id: Id
    target: Target
    input: Any
    deadline_ms: float | None
    context: CallContext


class Upresult(Struct, array_like=True):
    """UPRESULT: a reply of the host, or its error when `ok` is false."""

    id: Id
    ok: bool
    value: Any


class Cancel(Struct, array_like=True):
    """CANCEL."""

    id: Id


class Ping(Struct, array_like=True):
    """PING."""

    n: Id
    monotonic_ms: float


class Put(Struct, array_like=True):
    """PUT."""

    hash: str
    spec: Any


class Piece(Struct, array_like=True):
    """STREAM: an item of the answer to an upcall."""

    id: Id
    item: Any


class Credit(Struct, array_like=True):
    """CREDIT: the host takes further items of a call."""

    id: Id
    n: Credits


def _no_extension(code: int, _data: memoryview) -> Any:
    raise ValueError(f"MessagePack extension type {code}")


def _has_timestamp(body: memoryview | bytes) -> bool:
    """Whether a value that can be decoded holds a timestamp, at any depth and as a key too: the one extension type that
    msgspec decodes without asking. Its type, -1, is a byte that no text has, so few frames need a closer look."""
    if b"\xff" not in bytes(body):
        return False
    values = [msgspec.msgpack.decode(body)]
    while values:
        value = values.pop()
        if isinstance(value, datetime.datetime):
            return True
        if isinstance(value, dict):
            values.extend(value.keys())
            values.extend(value.values())
        elif isinstance(value, (list, tuple)):  # a key that is an array is a tuple
            values.extend(value)
    return False


T = TypeVar("T")


def _decoder(shape: type[T]) -> msgspec.msgpack.Decoder[T]:
    return msgspec.msgpack.Decoder(shape, ext_hook=_no_extension)


_decoders: dict[int, msgspec.msgpack.Decoder[Any]] = {
    Kind.HELLO: _decoder(Hello),
    Kind.CALL: _decoder(CallMessage),
    Kind.UPRESULT: _decoder(Upresult),
    Kind.CANCEL: _decoder(Cancel),
    Kind.PING: _decoder(Ping),
    Kind.PUT: _decoder(Put),
    Kind.DRAIN: _decoder(list),
    Kind.STREAM: _decoder(Piece),
    Kind.CREDIT: _decoder(Credit),
}


def read_host_message(kind: int, body: memoryview | bytes) -> Any:
    """Decodes a frame from the host; `None` for a kind that this version does not take, which is skipped.

    Raises:
        Violation: the value is not exactly one MessagePack value of the kind's shape.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        return None
    try:
        message = decoder.decode(body)
        if _has_timestamp(body):
            raise ValueError("MessagePack extension type -1")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Violation(f"a {Kind(kind).name} that cannot be read ({error})") from None
    if kind == Kind.CALL and (message.target.function is None) == (message.target.program is None):
        raise Violation("a CALL whose target is not one function or one program")
    return message


def choose_protocol(offered: ProtocolRange) -> int:
    """The highest protocol version that both sides speak.

    Raises:
        Violation: there is none.
    """
    version = min(offered.max, PROTOCOL_MAX)
    if version < max(offered.min, PROTOCOL_MIN):
        raise Violation(
            f"the host speaks protocol {offered.min} to {offered.max}, this worker {PROTOCOL_MIN} to {PROTOCOL_MAX}"
        )
    return version
