"""The messages of `docs/protocol.md` §4: kinds, and the shapes of what the host sends.

Decoding checks the shape: further elements of an array and further keys of a map are ignored, anything else that does
not fit is a `Violation`.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from . import extensions, tables
from .frames import MIN_MAX_FRAME_BYTES, Frame, Violation
from .inbox import Begin, Chunk, Drop
from .kinds import Kind
from .tables import UnreadableTable
from .wire_codec import WireCodec

PROTOCOL_MIN = PROTOCOL_MAX = 1


def capabilities() -> list[str]:
    """What a worker takes beyond plain values in plain frames."""
    return ["chunks", "datetime", "bigint", "ndarray", *(["arrow"] if tables.are_known() else [])]


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
    warm_up: list[str] = []
    capabilities: list[str] = []
    nice: Annotated[int, Meta(ge=0, le=19)] = 0


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
    traceparent: str | None = None
    depth: Annotated[int, Meta(ge=0)] = 0


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


_SHAPES: dict[int, type[Any]] = {
    Kind.HELLO: Hello,
    Kind.CALL: CallMessage,
    Kind.UPRESULT: Upresult,
    Kind.CANCEL: Cancel,
    Kind.PING: Ping,
    Kind.PUT: Put,
    Kind.DRAIN: list,
    Kind.STREAM: Piece,
    Kind.CREDIT: Credit,
    Kind.BEGIN: Begin,
    Kind.CHUNK: Chunk,
    Kind.DROP: Drop,
}


def read_host_message(codec: WireCodec, frame: Frame) -> Any:
    """Decodes a frame from the host; `None` for a kind that this version does not take, which is skipped.

    Raises:
        Violation: the value is not exactly one value of the kind's shape.
    """
    kind, body, segments = frame
    shape = _SHAPES.get(kind)
    if shape is None:
        return None
    try:
        try:
            message = codec.decode(shape, body, segments)
        except UnreadableTable as error:
            message = _without_tables(codec.decode(shape, body, segments, extensions.read_but_tables), error)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Violation(f"a {Kind(kind).name} that cannot be read ({error})") from None
    if kind == Kind.CALL and (message.target.function is None) == (message.target.program is None):
        raise Violation("a CALL whose target is not one function or one program")
    return message


def _without_tables(message: Any, error: UnreadableTable) -> Any:
    """The message with the fault in its place: whoever made the table hears of it, and nobody else.

    Raises:
        ValueError: nobody could.
    """
    if isinstance(message, CallMessage):
        message.input = error
    elif isinstance(message, Upresult):
        message.ok, message.value = False, {"code": "ERR_NOT_SERIALIZABLE", "message": str(error)}
    else:
        raise ValueError(str(error))
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
