"""The life of a worker process: HELLO, DSPy, READY, calls, BYE."""

import asyncio
import faulthandler
import gc
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from . import forks
from .process import EXIT_BROKEN, EXIT_ENVIRONMENT, EXIT_VIOLATION, STACKS_SIGNAL, Wire, fail

if TYPE_CHECKING:  # they need msgspec, whose absence has its own exit
    from .frames import Frame
    from .inbox import Inbox
    from .messages import Hello
    from .wire_codec import Decoder, WireCodec
    from .worker import Worker

logger = logging.getLogger("dspex")

SUPPORTED_DSPY = ((3, 4), (3, 5))
"""From the first version, and below the second."""

# How long the loop may take to see the end of the input, and a child process to let go of the log pipes.
_GRACE_SECONDS = 0.5
_LOG_END_SECONDS = 0.1


def main(wire_in: int, wire_out: int, stderr: int) -> NoReturn:
    """Runs a worker on the given descriptors until it ends the process. SIGTERM ends it at once up to here
    (`entry.py`), and until there is something to drain.

    Args:
        wire_in: Frames of the host. Its end is the worker's.
        wire_out: Frames of the worker.
        stderr: Where the last line of a failing worker goes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(stderr)
    # By C code, in the signal's own handler: it needs neither the loop nor the interpreter's lock.
    faulthandler.register(STACKS_SIGNAL, stderr)
    wire = Wire(wire_in, wire_out, stderr)
    wire.watch(_GRACE_SECONDS)
    try:
        import msgspec  # noqa: F401  (the one package that the wire needs)
    except ImportError as error:
        fail(stderr, EXIT_ENVIRONMENT, f"this Python has no {error.name}: {sys.executable}")
    from .frames import Violation

    try:
        _run(wire)
    except Violation as violation:
        fail(stderr, EXIT_VIOLATION, f"the host broke the protocol: {violation}")
    except BaseException as error:  # the interpreter's own end would wait for the threads of user code
        forks.leave_if_child()
        fail(stderr, EXIT_BROKEN, f"its event loop ended: {error!r}")


def _run(wire: Wire) -> NoReturn:
    from .clock import HostClock
    from .codec import host_takes
    from .messages import capabilities, choose_protocol

    codec, decoder, inbox, hello, received_at, early_frames = _receive_hello(wire)
    protocol = choose_protocol(hello.protocol)
    host_takes(hello.capabilities)
    clock = HostClock()
    clock.observe(hello.monotonic_ms, received_at)
    sys.path[:0] = hello.paths
    os.nice(hello.nice)  # the thread that watches the wire has been started, and stays as it is

    stderr = wire.stderr_fd
    dspy_version = import_dspy(stderr)
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
    forks.fence(loop, (wire.read_fd, wire.write_fd, wire.stderr_fd))
    connection = Connection(
        loop,
        wire.read_fd,
        wire.write_fd,
        codec,
        decoder,
        inbox,
        hello,
        on_message=lambda kind, message: worker.on_message(kind, message),
        on_violation=lambda reason: fail(stderr, EXIT_VIOLATION, f"the host broke the protocol: {reason}"),
        on_end=wire.end,
    )
    logs = LogBuffer(loop, connection.send_logs)
    stdio = CapturedStdio(logs)
    route_logging(logs)

    def say_bye() -> None:
        stdio.close(_LOG_END_SECONDS)
        logs.flush()
        connection.send_last(Kind.BYE, [], lambda: os._exit(0))

    worker = Worker(loop, hello, clock, connection, say_bye)
    _warm_up(loop, worker, hello.warm_up, stderr)
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
            "codec": codec.name,
            "capabilities": capabilities(),
            "seams": seams_in_force,
        },
    )
    connection.start(early_frames)
    _serve(loop)


def _warm_up(loop: asyncio.AbstractEventLoop, worker: "Worker", targets: list[str], stderr: int) -> None:
    from .errors import CallError, wire_error

    try:
        loop.run_until_complete(worker.warm_up(targets))
    except CallError as error:
        told = wire_error(error)
        if told["cause"] is not None:
            os.write(stderr, told["cause"]["traceback"].encode())
        fail(stderr, EXIT_ENVIRONMENT, f"it cannot warm up: {told['message']}")


def _serve(loop: asyncio.AbstractEventLoop) -> NoReturn:
    """Runs the loop for good. User code may stop it, or leave a task behind that exits: neither ends the worker."""
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:
            forks.leave_if_child()
            logger.error("a task or callback that a call left behind raised %r", error)


def _receive_hello(wire: Wire) -> "tuple[WireCodec, Decoder, Inbox, Hello, float, Iterator[Frame]]":
    """Reads up to HELLO, which must be the first frame. Returns the codec that it is written in, which is that of the whole
    connection, what reads that, HELLO, when it arrived, and the frames behind it, which are yet to be decoded."""
    from . import json_lines_codec
    from .frames import DEFAULT_MAX_FRAME_BYTES, Violation
    from .inbox import Inbox
    from .messages import Kind, read_host_message
    from .msgpack_codec import MsgpackCodec

    codec: WireCodec = MsgpackCodec()
    decoder: Decoder | None = None
    inbox = Inbox(DEFAULT_MAX_FRAME_BYTES)
    while True:
        chunk = os.read(wire.read_fd, 64 * 1024)
        received_at = time.monotonic()
        if not chunk:
            wire.end()
        if decoder is None:
            if chunk[0] == json_lines_codec.FIRST_BYTE:
                codec = json_lines_codec.JsonLinesCodec()
            decoder = codec.decoder(DEFAULT_MAX_FRAME_BYTES, inbox)
        frames = decoder.feed(chunk)
        first = next(frames, None)
        if first is not None:
            if first[0] != Kind.HELLO:
                raise Violation(f"a frame of kind {first[0]} before HELLO")
            hello = read_host_message(codec, first)
            decoder.max_frame_bytes = inbox.window_bytes = hello.max_frame_bytes
            return codec, decoder, inbox, hello, received_at, frames


def import_dspy(stderr: int) -> str:
    """Imports DSPy as workers use it, and leaves garbage collection off. Returns its version; where it cannot be used, the process
    ends with the reason."""
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
