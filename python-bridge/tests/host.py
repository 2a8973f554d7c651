"""Plays the host of a real worker process, over real pipes."""

import contextlib
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dspex_bridge.inbox import Inbox
from dspex_bridge.json_lines_codec import JsonLinesCodec
from dspex_bridge.kinds import PARTS, Kind
from dspex_bridge.messages import read_host_message
from dspex_bridge.msgpack_codec import MsgpackCodec

CODECS = {codec.name: codec for codec in (MsgpackCodec(), JsonLinesCodec())}

WINDOW = 64 * 1024 * 1024

PYTHON = Path(__file__).parents[1] / "python"
TESTS = Path(__file__).parent

WAIT_SECONDS = 10.0
"""How long an expected frame may take before a test fails."""

Answer = Callable[[dict[str, Any]], Any]

LATER = object()
"""What an answer returns that replies for itself."""


class HostFailure(Exception):
    """What a test's LM raises to answer a request with an error of the host."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.wire = {"code": code, "message": message, "details": details}


def frame(kind: int, value: Any) -> bytes:
    """One encoded frame."""
    return encoded("msgpack", kind, value)


def encoded(codec: str, kind: int, value: Any) -> bytes:
    """The same in a codec."""
    buffer = bytearray()
    CODECS[codec].append(buffer, kind, value, None)
    return bytes(buffer)


def now_ms() -> float:
    return time.monotonic() * 1000


def lm_reply(text: str, inputs: int = 3, outputs: int = 5) -> dict[str, Any]:
    """The JSON form of an LM response that says `text`."""
    return {
        "id": None,
        "model": "scripted",
        "message": {"role": "assistant", "parts": [{"type": "text", "text": text}]},
        "finish_reason": "stop",
        "usage": {"input_tokens": inputs, "output_tokens": outputs, "total_tokens": inputs + outputs},
    }


def fields_reply(**fields: str) -> dict[str, Any]:
    """A response in the form that DSPy's chat adapter asks for."""
    sections = [f"[[ ## {name} ## ]]\n{value}" for name, value in fields.items()]
    return lm_reply("\n\n".join([*sections, "[[ ## completed ## ]]"]))


LM = {"name": "default", "config": {}}
"""The context of a call with an endpoint."""


def field(name, kind="str", **node):
    return {"name": name, "type": {"kind": kind, **node}, "desc": None}


def spec(module="Predict", inputs=(field("question"),), outputs=(field("answer"),), instructions=None):
    return {
        "module": module,
        "signature": {"instructions": instructions, "inputs": list(inputs), "outputs": list(outputs)},
    }


def answering(payload):
    """An LM that answers every question with what was asked."""
    text = payload["request"]["messages"][-1]["parts"][0]["text"]
    return fields_reply(reasoning="because", answer=text.split("\n")[1])


def hello(**changes: Any) -> dict[str, Any]:
    return {
        "protocol": {"min": 1, "max": 1},
        "runId": "run",
        "workerId": "worker",
        "maxFrameBytes": 16 * 1024 * 1024,
        "threads": 4,
        "maxInFlight": 256,
        "monotonicMs": now_ms(),
        "paths": [str(TESTS)],
        "seams": {},
        **changes,
    }


class Worker:
    """A worker process. Frames from it are collected on a thread; LM requests are answered by `lm` there, and calls of tools by
    `tool`; where it is None they are kept in `upcalls`."""

    def __init__(self, lm: Answer | None = None, *, tool: Answer | None = None, greet: bool = True, python: str = sys.executable, codec: str = "msgpack", **changes: Any):
        self.lm = lm
        self.tool = tool
        self.logs: list[list[str]] = []
        self.requests: list[dict[str, Any]] = []
        self.upcalls: "queue.Queue[list[Any]]" = queue.Queue()
        self.upcancels: "queue.Queue[int]" = queue.Queue()
        self.pongs: "queue.Queue[list[Any]]" = queue.Queue()
        self.answers: defaultdict[int, "queue.Queue[tuple[str, Any, Any]]"] = defaultdict(queue.Queue)
        self.kinds: list[int] = []
        self.items: defaultdict[int, list[Any]] = defaultdict(list)
        self.codec = codec
        self.credits: "queue.Queue[tuple[int, int]]" = queue.Queue()
        self._ids = itertools.count(1)
        self._ready: "queue.Queue[dict[str, Any]]" = queue.Queue()
        self._bye = threading.Event()
        self._ended = False
        self._may_read = threading.Event()
        self._may_read.set()
        self.pause_seconds = 0.0
        """Between two reads of 64 KiB: makes a slow reader."""
        self._write_lock = threading.Lock()
        self.process = subprocess.Popen(
            [python, "-I", str(PYTHON / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if greet:
            self.send(Kind.HELLO, hello(**changes))
            self.ready = self._ready.get(timeout=WAIT_SECONDS)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._ended = True
        self._may_read.set()
        for stream in (self.process.stdin, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):  # of what was not written yet
                stream.close()

    def write(self, data: bytes) -> None:
        with self._write_lock:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def send(self, kind: int, value: Any) -> None:
        self.write(encoded(self.codec, kind, value))

    def put(self, hash: str, spec: Any) -> None:
        self.send(Kind.PUT, [hash, spec])

    def start(
        self,
        target: Any,
        input: Any,
        *,
        deadline_ms: float | None = None,
        lm: Any = None,
        credits: int | None = None,
        **context: Any,
    ) -> int:
        """Sends a CALL, a stream where `credits` are given; returns its id."""
        call_id = self.next_id()
        target = {"function": target} if isinstance(target, str) else target
        if lm is not None:
            context["lm"] = lm
        if credits is not None:
            context["stream"] = {"credits": credits}
        self.send(Kind.CALL, [call_id, target, input, deadline_ms, context])
        return call_id

    def next_id(self) -> int:
        """The id of a call that is about to be made."""
        call_id = next(self._ids)
        self.answers[call_id] = queue.Queue()
        self.items[call_id] = []
        return call_id

    def answer(self, call_id: int, timeout: float = WAIT_SECONDS) -> tuple[str, Any, Any]:
        """`("result", value, info)` or `("error", error, info)` of a call."""
        return self.answers[call_id].get(timeout=timeout)

    def call(self, target: Any, *arguments: Any, **options: Any) -> Any:
        """Calls a function; its value, or an AssertionError that shows the error."""
        return self.value(self.start(target, list(arguments), **options))

    def value(self, call_id: int) -> Any:
        outcome, value, _ = self.answer(call_id)
        assert outcome == "result", value
        return value

    def error(self, call_id: int, timeout: float = WAIT_SECONDS) -> dict[str, Any]:
        outcome, error, _ = self.answer(call_id, timeout)
        assert outcome == "error", error
        return error

    def run(self, hash: str, input: Any, **options: Any) -> tuple[Any, Any]:
        """Calls a program with the endpoint `default`; its value and info."""
        options.setdefault("lm", {"name": "default", "config": {}})
        outcome, value, info = self.answer(self.start({"program": hash}, input, **options))
        assert outcome == "result", value
        return value, info

    def ping(self) -> dict[str, Any]:
        n = next(self._ids)
        self.send(Kind.PING, [n, now_ms()])
        answered, state = self.pongs.get(timeout=WAIT_SECONDS)
        assert answered == n
        return state

    def stream(self, target: Any, input: Any, **options: Any) -> tuple[list[Any], tuple[str, Any, Any]]:
        """Calls with many credits; the items, and the answer behind them."""
        options.setdefault("credits", 10_000)
        call = self.start(target, input, **options)
        answer = self.answer(call)
        return self.items[call], answer

    def reply(self, upcall_id: int, value: Any) -> None:
        self.send(Kind.UPRESULT, [upcall_id, True, value])

    def pause_reading(self) -> None:
        """Leaves the worker's output unread from the next frame on."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def rss_bytes(self) -> int:
        """The worker's resident memory, seen from outside."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def close_input(self) -> None:
        self.process.stdin.close()

    def wait(self, timeout: float = WAIT_SECONDS) -> int:
        return self.process.wait(timeout)

    def said_bye(self) -> bool:
        self._reader.join(WAIT_SECONDS)
        return self._bye.is_set()

    def stderr(self) -> str:
        """All of standard error, once the process has ended."""
        return self.process.stderr.read().decode()

    def _read(self) -> None:
        # The descriptor is closed by its only reader: one that still reads from it would read from the next worker's.
        with self.process.stdout:
            try:
                self._read_until_the_end()
            except (OSError, ValueError):  # an answer to a worker that has ended
                if not self._ended:
                    raise

    def _read_until_the_end(self) -> None:
        codec, inbox = CODECS[self.codec], Inbox(WINDOW)
        decoder = codec.decoder(WINDOW, inbox)
        while chunk := os.read(self.process.stdout.fileno(), 64 * 1024):
            self._may_read.wait()
            if self.pause_seconds:
                time.sleep(self.pause_seconds)
            for part in decoder.feed(chunk):
                whole = inbox.take(read_host_message(codec, part)) if part[0] in PARTS else part
                if whole is not None:
                    kind, body, segments = whole
                    self._on_frame(kind, codec.decode(Any, body, segments))

    def _on_frame(self, kind: int, value: Any) -> None:
        self.kinds.append(kind)
        match kind:
            case Kind.READY:
                self._ready.put(value)
            case Kind.RESULT:
                self.answers[value[0]].put(("result", value[1], value[2]))
            case Kind.ERROR:
                self.answers[value[0]].put(("error", value[1], value[2]))
            case Kind.UPCALL:
                self._on_upcall(value)
            case Kind.STREAM:
                assert self.answers[value[0]].empty(), "an item behind the end of its stream"
                self.items[value[0]].append(value[1])
            case Kind.CREDIT:
                self.credits.put((value[0], value[1]))
            case Kind.UPCANCEL:
                self.upcancels.put(value[0])
            case Kind.PONG:
                self.pongs.put(value)
            case Kind.LOG:
                self.logs.append(value)
            case Kind.BYE:
                self._bye.set()

    def _on_upcall(self, upcall: list[Any]) -> None:
        upcall_id, _, kind, payload = upcall
        self.requests.append(payload)
        answer = {"lm": self.lm, "tool": self.tool}[kind]
        if answer is None:
            self.upcalls.put(upcall)
            return
        try:
            self.asking = upcall_id
            reply = answer(payload)
            if reply is LATER:
                return
            if isinstance(reply, list):  # the pieces of a stream
                for piece in reply:
                    self.send(Kind.STREAM, [upcall_id, piece])
                reply = None
            self.reply(upcall_id, reply)
        except HostFailure as failure:
            self.send(Kind.UPRESULT, [upcall_id, False, failure.wire])


def eventually(condition: Callable[[], Any], timeout: float = WAIT_SECONDS) -> Any:
    """Waits until `condition` holds; returns what it returned."""
    end = time.monotonic() + timeout
    while not (held := condition()):
        assert time.monotonic() < end, "the condition did not come to hold"
        time.sleep(0.005)
    return held
