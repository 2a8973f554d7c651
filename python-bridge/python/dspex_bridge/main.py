"""The life of a worker process: HELLO, DSPy, READY, calls, BYE."""

import asyncio
import faulthandler
import gc
import os
import platform
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from .process import (
    EXIT_END_OF_INPUT,
    EXIT_ENVIRONMENT,
    EXIT_VIOLATION,
    die_with_parent,
    end_when_input_ends,
    fail,
)

if TYPE_CHECKING:  # both need msgspec, whose absence has its own exit
    from .frames import FrameDecoder
    from .messages import Hello

SUPPORTED_DSPY = ((3, 4), (3, 5))
"""From the first version, and below the second."""

# How long the loop may take to see the end of the input, and a child process to let go of the log pipes.
_GRACE_SECONDS = 0.5
_LOG_END_SECONDS = 0.1


def main(wire_in: int, wire_out: int, stderr: int) -> NoReturn:
    """Runs a worker on the given descriptors until it ends the process.

    Args:
        wire_in: Frames of the host. Its end is the worker's.
        wire_out: Frames of the worker.
        stderr: Where the last line of a failing worker goes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until there is something to drain
    die_with_parent()
    faulthandler.enable(stderr)
    end_when_input_ends(wire_in, _GRACE_SECONDS)
    try:
        from .frames import Violation
    except ImportError as error:
        fail(stderr, EXIT_ENVIRONMENT, f"this Python has no {error.name}: {sys.executable}")
    try:
        _run(wire_in, wire_out, stderr)
    except Violation as violation:
        fail(stderr, EXIT_VIOLATION, f"the host broke the protocol: {violation}")


def _run(wire_in: int, wire_out: int, stderr: int) -> NoReturn:
    from .clock import HostClock
    from .frames import FrameDecoder
    from .messages import choose_protocol

    decoder = FrameDecoder()
    hello, received_at, early_frames = _receive_hello(wire_in, decoder)
    protocol = choose_protocol(hello.protocol)
    decoder.max_frame_bytes = hello.max_frame_bytes
    clock = HostClock()
    clock.observe(hello.monotonic_ms, received_at)
    sys.path[:0] = hello.paths

    dspy_version = _import_dspy(stderr)
    from . import seams
    from .connection import Connection
    from .logs import CapturedStdio, LogBuffer, route_logging
    from .messages import Kind
    from .worker import Worker

    seams_in_force = seams.install(hello.seams)
    # What is loaded by now stays, so later collections need not look at it. No collection first: it takes 7 % of the start
    # and finds 2,000 objects.
    gc.freeze()
    gc.enable()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    connection = Connection(
        loop,
        wire_in,
        wire_out,
        decoder,
        on_frame=lambda kind, body: worker.on_frame(kind, body),
        on_violation=lambda reason: fail(stderr, EXIT_VIOLATION, f"the host broke the protocol: {reason}"),
        on_end=lambda: os._exit(EXIT_END_OF_INPUT),
    )
    connection.peer_takes = hello.max_frame_bytes
    logs = LogBuffer(loop, connection.send_logs)
    stdio = CapturedStdio(logs)
    route_logging(logs)

    def say_bye() -> None:
        stdio.close(_LOG_END_SECONDS)
        logs.flush()
        connection.send(Kind.BYE, [])
        connection.close_after_flush(lambda: os._exit(0))

    worker = Worker(loop, hello, clock, connection, say_bye)
    loop.add_signal_handler(signal.SIGTERM, worker.drain)
    connection.send(
        Kind.READY,
        {
            "protocol": protocol,
            "pid": os.getpid(),
            "python": platform.python_version(),
            "dspy": dspy_version,
            "maxFrameBytes": hello.max_frame_bytes,
            "maxInFlight": hello.max_in_flight,
            "threads": hello.threads,
            "seams": seams_in_force,
        },
    )
    connection.start(early_frames)
    loop.run_forever()
    raise AssertionError("the loop of a worker ends with its process")


def _receive_hello(wire_in: int, decoder: "FrameDecoder") -> "tuple[Hello, float, list[tuple[int, memoryview]]]":
    """Reads up to HELLO, which must be the first frame; returns it, when it arrived, and the frames behind it."""
    from .frames import Violation
    from .messages import Kind, read_host_message

    while True:
        chunk = os.read(wire_in, 64 * 1024)
        received_at = time.monotonic()
        if not chunk:
            os._exit(EXIT_END_OF_INPUT)
        frames = decoder.feed(chunk)
        if frames:
            (kind, body), *rest = frames
            if kind != Kind.HELLO:
                raise Violation(f"a frame of kind {kind} before HELLO")
            return read_host_message(kind, body), received_at, rest


def _import_dspy(stderr: int) -> str:
    from .imports import quick_imports

    try:
        with quick_imports():
            import dspy
    except ImportError as error:
        fail(stderr, EXIT_ENVIRONMENT, f"this Python cannot import dspy ({error}): {sys.executable}")
    version = dspy.__version__
    lowest, above = SUPPORTED_DSPY
    if not lowest <= tuple(int(part) for part in version.split(".")[:2]) < above:
        wanted = ">={}.{},<{}.{}".format(*lowest, *above)
        fail(stderr, EXIT_ENVIRONMENT, f"dspy {version} is not supported; install dspy {wanted}")
    # The host caches; DSPy's own would open files.
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    return version
