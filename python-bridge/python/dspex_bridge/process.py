"""What a worker asks of its operating system."""

import ctypes
import logging
import os
import select
import signal
import sys
import threading
import time
from typing import NoReturn

from .redact import redact

logger = logging.getLogger("dspex")

EXIT_END_OF_INPUT = 0
EXIT_UNSAFE = 69
EXIT_BROKEN = 70
EXIT_WIRE_LOST = 74
EXIT_VIOLATION = 76
EXIT_ENVIRONMENT = 78

STACKS_SIGNAL = signal.SIGUSR2
"""Makes a worker write the Python stacks of its threads to its original standard error, whatever it is doing."""

_LOOK_AT_WIRE_SECONDS = 1.0

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def die_with_parent() -> None:
    """Linux: the kernel kills this process when the thread that started it ends. A second line behind end of file and
    the guardian, for a process that is stopped or blocked."""
    parent = os.getppid()
    _signal_at_end_of_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(EXIT_END_OF_INPUT)


def wake_at_end_of_parent() -> None:
    """Linux: the kernel lets this process go on, where it is stopped, when its parent ends. If that was the end of the runtime, too,
    it sees the end of its input then; if it was only that of its zygote, it works on."""
    _signal_at_end_of_parent(signal.SIGCONT)


def _signal_at_end_of_parent(number: signal.Signals) -> None:
    _prctl(_PR_SET_PDEATHSIG, number)


def name_process(name: str) -> None:
    """Linux: what `ps -o comm` shows of this process, at most 15 characters. A fork keeps the command line of its parent."""
    _prctl(_PR_SET_NAME, name.encode())


def _prctl(option: int, argument: int | bytes) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(option, argument)


class Wire:
    """The two descriptors of the protocol, as they were given to this process: user code cannot read or write them by
    accident, but it can close them."""

    def __init__(self, read_fd: int, write_fd: int, stderr_fd: int) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        self.stderr_fd = stderr_fd
        self._identities = [_identity(fd) for fd in (read_fd, write_fd)]

    def watch(self, grace_seconds: float) -> None:
        """Watches for the end of the input on a thread: a loop that user code blocks cannot. The loop, which sees it at
        once where it is free, has `grace_seconds` to do so first."""
        threading.Thread(target=self._watch, args=(grace_seconds,), name="dspex-wire", daemon=True).start()

    def end(self) -> NoReturn:
        """The host is gone: ends this process, and with it all of the process group that it leads, because nobody else is left
        to end what user code has started. Where user code took the wire away, the process fails."""
        self._check()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(EXIT_END_OF_INPUT)

    def _watch(self, grace_seconds: float) -> None:
        poll = select.poll()
        poll.register(self.read_fd, getattr(select, "POLLRDHUP", 0))  # hang-up and error are always reported
        # A descriptor that is closed here wakes no poll that waits for it already.
        while not poll.poll(_LOOK_AT_WIRE_SECONDS * 1000):
            self._check()
        time.sleep(grace_seconds)
        self.end()

    def _check(self) -> None:
        if [_identity(fd) for fd in (self.read_fd, self.write_fd)] != self._identities:
            fail(self.stderr_fd, EXIT_WIRE_LOST, "user code closed the descriptors of the protocol")


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def fail(stderr_fd: int, status: int, reason: str) -> NoReturn:
    """Ends the process with one last line on its original standard error."""
    try:
        os.write(stderr_fd, f"dspex worker: {redact(reason)}\n".encode(errors="replace"))
    finally:
        os._exit(status)


def rss_bytes() -> int | None:
    """The resident memory of this process; its peak on a system that does not tell the present.

    Returns:
        `None` when it cannot be measured, as without a free descriptor.
    """
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError as error:
        logger.warning("cannot measure the memory of this process: %s", error)
        return None
