"""A host of a worker, written from docs/protocol.md: frames, large messages, and nothing that anybody could share."""

import json
import struct
import subprocess
import time
from base64 import b64decode, b64encode
from typing import Any

from messagepack import Extension, pack, unpack

NAMES = (
    "HELLO READY CALL RESULT ERROR UPCALL UPRESULT CANCEL UPCANCEL PING PONG PUT DRAIN BYE LOG STREAM CREDIT BEGIN CHUNK DROP"
).split()
KIND = {name: number for number, name in enumerate(NAMES, 1)}

Message = tuple[str, Any]


class Binary:
    """Frames with a header (§2)."""

    def encode(self, name: str | int, value: Any) -> bytes:
        body = pack(value)
        kind = name if isinstance(name, int) else KIND[name]
        return struct.pack(">IBBH", 4 + len(body), 1, kind, 0) + body

    def value(self, body: bytes) -> Any:
        return unpack(body)

    def body(self, value: Any) -> bytes:
        return pack(value)

    def read(self, stream: Any) -> tuple[str, bytes] | None:
        header = stream.read(8)
        if not header:
            return None
        length, version, kind, _flags = struct.unpack(">IBBH", header)
        assert version == 1
        return NAMES[kind - 1], stream.read(length - 4)


class Lines:
    """Frames as lines of JSON (§7)."""

    def encode(self, name: str | int, value: Any) -> bytes:
        return b'{"kind":"' + str(name).encode() + b'","value":' + self.body(value) + b"}\n"

    def value(self, body: bytes) -> Any:
        return json.loads(body, object_hook=self._from_map)

    def body(self, value: Any) -> bytes:
        return json.dumps(self._to_json(value)).encode()

    def read(self, stream: Any) -> tuple[str, bytes] | None:
        line = stream.readline()
        if not line:
            return None
        before, value = line[:-2].split(b'","value":', 1)
        return before.removeprefix(b'{"kind":"').decode(), value

    def _to_json(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return {"$bytes": b64encode(value).decode()}
        if isinstance(value, Extension):
            return {"$ext": [value.type, b64encode(value.payload).decode()]}
        if isinstance(value, int) and abs(value) > 2**53:
            return {"$int": str(value)}
        if isinstance(value, list):
            return [self._to_json(item) for item in value]
        if isinstance(value, dict):
            only = len(value) == 1 and next(iter(value)).startswith("$")
            return {f"${key}" if only else key: self._to_json(item) for key, item in value.items()}
        return value

    def _from_map(self, value: dict[str, Any]) -> Any:
        if len(value) != 1:
            return value
        ((word, content),) = value.items()
        if word.startswith("$$"):
            return {word[1:]: content}
        match word:
            case "$float":
                return float(content)
            case "$int":
                return int(content)
            case "$bytes":
                return b64decode(content)
            case "$ext":
                return Extension(content[0], b64decode(content[1]))
        return value


class Host:
    """One worker process, and the conversation with it, message after message."""

    def __init__(self, command: list[str], wire: Binary | Lines) -> None:
        self.wire = wire
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.logs: list[Any] = []
        self.frames: list[str] = []
        """The names of all frames that have come."""
        self.sent: set[str | int] = set()
        self._arriving: dict[int, tuple[str, list[int], bytearray]] = {}
        self._last = 0

    def hello(self, paths: list[str], **changes: Any) -> None:
        """Greets the worker, which gets ready."""
        self.send("HELLO", {
            "protocol": {"min": 1, "max": 1}, "runId": "run", "workerId": "worker", "maxFrameBytes": 16_000_000, "threads": 2,
            "maxInFlight": 8, "monotonicMs": time.monotonic() * 1000, "paths": paths, "seams": {}, **changes,
        })  # fmt: skip
        self.ready = self.receive("READY")

    def next_id(self) -> int:
        self._last += 1
        return self._last

    def send(self, name: str | int, value: Any) -> None:
        self.sent.add(name)
        self.write(self.wire.encode(name, value))

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send_in_chunks(self, name: str, value: Any, segments: list[bytes], size: int) -> None:
        """Sends a message as §6 has it, with a PING between its chunks."""
        parts = [self.wire.body(value), *segments]
        transfer = self.next_id()
        self.send("BEGIN", [transfer, KIND[name], [len(part) for part in parts]])
        for part in parts:
            for at in range(0, len(part), size):
                self.send("CHUNK", [transfer, part[at : at + size]])
                self.send("PING", [self.next_id(), time.monotonic() * 1000])
                self.receive("PONG")

    def call(self, function: str, *arguments: Any, context: Any = None, deadline: float | None = None) -> int:
        """Sends a CALL; its id."""
        id = self.next_id()
        self.send("CALL", [id, {"function": f"functions:{function}"}, list(arguments), deadline, context or {}])
        return id

    def result(self, id: int) -> Any:
        """The value of a call."""
        answered, value, info = self.receive("RESULT")
        assert answered == id and info["lane"] in ("async", "thread")
        return value

    def receive(self, expected: str) -> Any:
        """The value of the next message but LOG, which must be of this name."""
        name, value = self.message()
        assert name == expected, (name, value)
        return value

    def message(self) -> Message:
        """The next message but LOG."""
        while True:
            frame = self.wire.read(self.process.stdout)
            if frame is None:
                return "END", None
            self.frames.append(frame[0])
            value = self.wire.value(frame[1])
            message = self._taken(frame[0], value)
            if message is None:
                continue
            if message[0] == "LOG":
                self.logs.append(message[1])
            else:
                return message

    def status(self) -> int:
        """The exit status, which has to come."""
        return self.process.wait(10)

    def _taken(self, name: str, value: Any) -> Message | None:
        """A message, when it is whole. Segments take the place of the numbers that stand for them."""
        if name == "BEGIN":
            transfer, kind, sizes = value
            self._arriving[transfer] = (NAMES[kind - 1], sizes, bytearray())
            return None
        if name == "DROP":
            del self._arriving[value[0]]
            return None
        if name != "CHUNK":
            return name, value
        whole, sizes, data = self._arriving[value[0]]
        data += value[1]
        if len(data) < sum(sizes):
            return None
        del self._arriving[value[0]]
        parts, at = [], 0
        for size in sizes:
            parts.append(bytes(data[at : at + size]))
            at += size
        return whole, _with_segments(self.wire.value(parts[0]), parts[1:])


def _with_segments(value: Any, segments: list[bytes]) -> Any:
    if isinstance(value, list):
        return [_with_segments(item, segments) for item in value]
    if isinstance(value, dict):
        return {key: _with_segments(item, segments) for key, item in value.items()}
    if not isinstance(value, Extension) or value.type not in (34, 35):
        return value
    (segment,) = struct.unpack_from(">H", value.payload)
    data = value.payload[2:] + (segments[segment - 1] if segment else b"")
    return data if value.type == 35 else Extension(34, b"\0\0" + data)
