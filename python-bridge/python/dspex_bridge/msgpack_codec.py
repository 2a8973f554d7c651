"""MessagePack behind a binary header: how hosts speak to workers."""

import datetime
import re
from functools import partial
from typing import Any, TypeVar

import msgspec

from . import extensions
from .extensions import Extended, Reader
from .frames import CHUNK_HEAD, HEADER_BYTES, ChunkSink, FrameDecoder, write_header
from .inbox import Chunk
from .kinds import Kind
from .wire_codec import Buffer

T = TypeVar("T")

_ROOM_FOR_HEADER = bytes(HEADER_BYTES)


class MsgpackCodec:
    """The codec of every host that is not looking for a fault."""

    name = "msgpack"
    chunk_bytes = 256 * 1024

    def __init__(self) -> None:
        self._decoders: dict[type[Any], msgspec.msgpack.Decoder[Any]] = {}

    def decoder(self, max_frame_bytes: int, sink: ChunkSink | None = None) -> FrameDecoder:
        return FrameDecoder(max_frame_bytes, sink)

    def append(self, buffer: bytearray, kind: int, value: Any, segments: list[memoryview] | None) -> tuple[int, int]:
        start = len(buffer)
        body = start + HEADER_BYTES
        try:
            buffer += _ROOM_FOR_HEADER
            try:
                _encoder.encode_into(value, buffer, body)
            except _Apart:
                encoder = msgspec.msgpack.Encoder(enc_hook=partial(_extension, segments=segments))
                encoder.encode_into(value, buffer, body)
            write_header(buffer, start, kind, len(buffer) - body)
        except BaseException:
            del buffer[start:]
            raise
        return body, len(buffer)

    def chunk(self, transfer: int, data: memoryview) -> list[Buffer]:
        head = bytearray(HEADER_BYTES + CHUNK_HEAD.size)
        write_header(head, 0, Kind.CHUNK, CHUNK_HEAD.size + len(data))
        CHUNK_HEAD.pack_into(head, HEADER_BYTES, 0x92, 0xCE, transfer, 0xC6, len(data))
        return [head, data]

    def decode(self, shape: type[T], body: Buffer, segments: list[memoryview], read: Reader = extensions.read) -> T:
        if segments or read is not extensions.read:
            decoder = _decoder(shape, segments, read)
        else:
            decoder = self._decoders.get(shape) or self._decoders.setdefault(shape, _decoder(shape, segments, read))
        message = decoder.decode(body)
        # A chunk has nothing that could be one, and the bytes to make the search long.
        if shape is not Chunk and _has_timestamp(body):
            raise ValueError("MessagePack extension type -1")
        return message


class _Apart(Exception):
    """A value has a part that is not encoded in the usual way."""


def _usual(value: Any) -> msgspec.msgpack.Ext:
    if isinstance(value, Extended):
        if value.is_large:
            raise _Apart
        return msgspec.msgpack.Ext(value.code, value.payload())
    raise TypeError(f"{type(value).__qualname__} is no plain data")


def _extension(value: Any, segments: list[memoryview] | None) -> Any:
    if not isinstance(value, Extended) or not value.is_large:
        return _usual(value)
    if segments is None and value.code == extensions.BYTES:
        return bytes(value.data)
    return msgspec.msgpack.Ext(value.code, value.payload(value.move_to(segments)))


_encoder = msgspec.msgpack.Encoder(enc_hook=_usual)


def _decoder(shape: type[T], segments: list[memoryview], read: Reader) -> msgspec.msgpack.Decoder[T]:
    return msgspec.msgpack.Decoder(shape, ext_hook=lambda code, payload: read(code, payload, segments))


_TIMESTAMP = re.compile(rb"\xff(?:(?<=[\xd6\xd7]\xff)|(?<=\xc7[\x04\x08\x0c]\xff)|(?<=\x00[\x04\x08\x0c]\xff))")
"""How a MessagePack timestamp begins, its type (-1) first: few frames have that byte, and the search for it is quick. Other
bytes may look so too."""


def _has_timestamp(body: Buffer) -> bool:
    """Whether a value that can be decoded holds a timestamp, at any depth and as a key too: the one extension type that
    msgspec decodes without asking."""
    if _TIMESTAMP.search(body) is None:
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
