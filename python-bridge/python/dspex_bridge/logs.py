"""What user code prints or logs, as LOG frames.

Descriptors 1 and 2 are pipes that threads of their own drain, so that a printing function blocks neither the event loop
nor, for long, itself. Text is kept in one bounded buffer which the loop empties at intervals: a flood costs lines, and
how many is said, but never memory, and it never holds up a result.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import sys
import threading
from collections.abc import Callable

from . import forks
from .redact import redact

MAX_LINES = 1_000
"""Lines kept between two flushes; further ones are counted and dropped."""

MAX_LINE_BYTES = 8 * 1024
"""Longer lines are cut."""

FLUSH_SECONDS = 0.01

_READ_BYTES = 64 * 1024
# As large as an unprivileged process may ask for: C code that prints while it holds the interpreter's lock fits in it.
_PIPE_BYTES = 1024 * 1024

Line = tuple[str, str, str]
"""Source (`stdout`, `stderr`, `python`), level, text."""


class LogBuffer:
    """A bounded buffer of lines, filled by any thread and emptied on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[list[Line]], bool]) -> None:
        """`send` returns whether it took the lines."""
        self._loop = loop
        self._send = send
        self._lock = threading.Lock()
        self._lines: list[Line] = []
        self._dropped = 0
        self._scheduled = False

    def add(self, source: str, level: str, text: str) -> None:
        with self._lock:
            if len(self._lines) >= MAX_LINES:
                self._dropped += 1
                return
            self._lines.append((source, level, redact(text[:MAX_LINE_BYTES])))
            if self._scheduled:
                return
            self._scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._loop.call_later, FLUSH_SECONDS, self.flush)
        except RuntimeError:  # the loop is closed: the worker is ending
            pass

    def flush(self) -> None:
        """Sends what is kept. Belongs to the loop's thread."""
        with self._lock:
            lines, self._lines = self._lines, []
            dropped, self._dropped = self._dropped, 0
            self._scheduled = False
        if dropped:
            lines.append(("python", "warn", f"{dropped} log lines were dropped: they came faster than they can be sent"))
        if lines and not self._send(lines):
            with self._lock:
                self._dropped += dropped + len(lines)


class CapturedStdio:
    """Descriptors 1 and 2 of this process, line by line in a `LogBuffer`."""

    def __init__(self, buffer: LogBuffer) -> None:
        self._streams = (sys.stdout, sys.stderr)  # user code may put others in their place
        for stream in self._streams:
            # Python buffers by blocks what does not go to a terminal; a log should arrive when its line is printed.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._threads = [
            self._capture(1, "stdout", "info", buffer),
            self._capture(2, "stderr", "warn", buffer),
        ]

    def close(self, wait_seconds: float) -> None:
        """Takes in what was printed so far; waits at most so long where a child process keeps the pipe open."""
        for stream in self._streams:
            with contextlib.suppress(OSError, ValueError):  # user code has closed it
                stream.flush()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        for thread in self._threads:
            thread.join(wait_seconds)

    @staticmethod
    def _capture(target: int, source: str, level: str, buffer: LogBuffer) -> threading.Thread:
        read_end, write_end = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            try:
                fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            except OSError:
                pass  # the user's share of pipe memory is used up; the default size does too
        os.dup2(write_end, target)
        os.close(write_end)
        thread = threading.Thread(
            target=_drain, args=(read_end, source, level, buffer), name=f"dspex-{source}", daemon=True
        )
        thread.start()
        return thread


def _drain(fd: int, source: str, level: str, buffer: LogBuffer) -> None:
    rest = b""
    while chunk := _read(fd):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            lines.append(rest)
            rest = b""
        for line in lines:
            buffer.add(source, level, _text(line))
    if rest:
        buffer.add(source, level, _text(rest))


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _READ_BYTES)
    except OSError:  # user code has closed what is not its own: nothing follows
        return b""


def _text(line: bytes) -> str:
    return line[:MAX_LINE_BYTES].removesuffix(b"\r").decode(errors="replace")


class BufferHandler(logging.Handler):
    """Python's `logging` into a `LogBuffer`, with its levels."""

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self._buffer = buffer
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if forks.in_child():  # nobody empties its buffer; the worker captures what it prints
            print(text, file=sys.stderr)
        else:
            self._buffer.add("python", _level(record.levelno), text)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


def route_logging(buffer: LogBuffer) -> None:
    """Sends Python's `logging` to the buffer; DSPy's own handler, which prints to standard error, is taken off."""
    logging.basicConfig(handlers=[BufferHandler(buffer)], level=logging.INFO, force=True)
    dspy_logger = logging.getLogger("dspy")
    for handler in list(dspy_logger.handlers):
        dspy_logger.removeHandler(handler)
    dspy_logger.propagate = True
