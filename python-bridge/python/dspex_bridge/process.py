"""What a worker asks of its operating system."""

import ctypes
import os
import select
import signal
import sys
import threading
import time
from typing import NoReturn

EXIT_END_OF_INPUT = 0
EXIT_VIOLATION = 76
EXIT_ENVIRONMENT = 78

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Linux: the kernel kills this process when the thread that started it ends. A second line behind end of file and
    the guardian, for a worker that is stopped or whose loop is blocked."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(EXIT_END_OF_INPUT)


def end_when_input_ends(fd: int, grace_seconds: float) -> None:
    """Watches for the end of `fd` on a thread: a loop that user code blocks cannot. The loop, which sees it at once
    where it is free, has `grace_seconds` to do so first."""

    def watch() -> None:
        poll = select.poll()
        poll.register(fd, getattr(select, "POLLRDHUP", 0))  # hang-up and error are always reported
        while not poll.poll():
            pass
        time.sleep(grace_seconds)
        os._exit(EXIT_END_OF_INPUT)

    threading.Thread(target=watch, name="dspex-input-end", daemon=True).start()


def fail(stderr_fd: int, status: int, reason: str) -> NoReturn:
    """Ends the process with one last line on its original standard error."""
    try:
        os.write(stderr_fd, f"dspex worker: {reason}\n".encode(errors="replace"))
    finally:
        os._exit(status)


def rss_bytes() -> int:
    """The resident memory of this process; its peak where the system does not tell the present."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
