"""The two ways to write frames and values. Both carry the same values; a worker answers in the one that it is spoken to in."""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from . import extensions
from .extensions import Reader
from .frames import ChunkSink, Frame

T = TypeVar("T")

Buffer = bytes | bytearray | memoryview


class Decoder(Protocol):
    """Cuts a stream of chunks into frames, wherever the chunks happen to break."""

    max_frame_bytes: int
    """Larger values are not taken."""
    target: memoryview | None
    """Where the next bytes of the stream belong. Who reads them right there says so by `filled`."""

    def feed(self, chunk: bytes | memoryview) -> Iterator[Frame]:
        """Takes the next chunk; yields the frames that it completes, in order.

        Raises:
            Violation: the stream cannot be read any further then.
        """
        ...

    def filled(self, size: int) -> Iterator[Frame]:
        """So many bytes were read into `target`; yields the message that they complete."""
        ...


class WireCodec(Protocol):
    """One way to write frames and values."""

    name: str
    chunk_bytes: int
    """Bytes of a large message in one frame."""

    def decoder(self, max_frame_bytes: int, sink: ChunkSink | None = None) -> Decoder:
        """A decoder of the peer's stream. With a sink, it may put the bytes of CHUNK frames there itself, and return the
        messages that they complete."""
        ...

    def append(self, buffer: bytearray, kind: int, value: Any, segments: list[memoryview] | None) -> tuple[int, int]:
        """Encodes a value that `to_wire` let through as one frame at the end of `buffer`, which on an error is as it was.

        Args:
            segments: Takes the large parts of the value, which are not copied; where it is `None`, they stand within.

        Returns:
            Where in the buffer the encoded value begins and ends.
        """
        ...

    def chunk(self, transfer: int, data: memoryview) -> list[Buffer]:
        """The buffers of a CHUNK frame; where the codec can, `data` itself is one of them."""
        ...

    def decode(self, shape: type[T], body: Buffer, segments: list[memoryview], read: Reader = extensions.read) -> T:
        """The value of a frame, checked for its shape.

        Raises:
            ValueError, RecursionError, msgspec.MsgspecError
            UnreadableTable
        """
        ...
