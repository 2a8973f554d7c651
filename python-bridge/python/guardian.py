"""The guardian: when the runtime is gone, however it went, it kills what the runtime started.

Started by the runtime in a session of its own as `python -I -S guardian.py`, with `DSPEX_RUN_ID` in its environment.
It writes `ready` when it listens. The runtime writes lines on its standard input: `add PID` (a worker, which leads a
process group; answered by `ok PID` on standard output) and `del PID`. The end of the input is the end of the runtime.
Then SIGKILL goes to the group of every registered worker, and on Linux to every process whose environment holds exactly
this run's id: children of user code that left the group. Nothing else is ever signalled: a pid counts only with the
start time that it had at `add`.
"""

import os
import signal
import sys
import time

GIVE_UP_SECONDS = 2.0
POLL_SECONDS = 0.01
MAX_LINE_BYTES = 64

_HAS_PROC = os.path.exists("/proc/self/stat")


class Guardian:
    """The registered workers, and how they are killed."""

    def __init__(self, run_id: str) -> None:
        self._marker = b"DSPEX_RUN_ID=" + os.fsencode(run_id)
        self._workers: dict[int, str] = {}

    def handle(self, line: bytes) -> bytes | None:
        """Takes one line of the runtime; returns what is answered. A line that is none of the two is ignored."""
        verb, _, argument = line.partition(b" ")
        if not argument.isdigit():
            return None
        pid = int(argument)
        if verb == b"del":
            self._workers.pop(pid, None)
        if verb != b"add":
            return None
        started = start_time(pid)
        if started is not None and pid > 1:
            self._workers[pid] = started
        return b"ok %d\n" % pid

    def kill_all(self) -> None:
        """Kills until nothing is left, at most for two seconds."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while self._kill_round() and time.monotonic() < give_up:
            time.sleep(POLL_SECONDS)

    def _kill_round(self) -> bool:
        """Signals everything that is still there; whether there was anything."""
        found = False
        for pid, started in self._workers.items():
            if start_time(pid) == started:
                found = True
                _kill_group(pid)
        if _HAS_PROC:
            for pid in _processes():
                found = self._kill_marked(pid) or found
        return found

    def _kill_marked(self, pid: int) -> bool:
        """Kills a process of this run, held by a descriptor so that its pid cannot come to mean another one."""
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            with open(f"/proc/{pid}/environ", "rb") as environment:
                if self._marker not in environment.read().split(b"\0"):
                    return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return True
        except OSError:  # it has ended, or belongs to somebody else
            return False
        finally:
            os.close(handle)


def start_time(pid: int) -> str | None:
    """When a living process started, as the system tells it; `None` if there is none (a zombie is none)."""
    if not _HAS_PROC:
        return _start_time_by_ps(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name, in parentheses, may hold anything; the state is the first field behind it, the time the 20th.
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def _start_time_by_ps(pid: int) -> str | None:
    import subprocess

    listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    state, _, started = listed.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def _kill_group(pid: int) -> None:
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it ended in between


def _processes() -> list[int]:
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own]


def main() -> None:
    """Serves the runtime until its end, then kills what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _close_inherited()
    run_id = os.environ.get("DSPEX_RUN_ID")
    if not run_id:
        sys.exit("dspex guardian: DSPEX_RUN_ID is not set")
    guardian = Guardian(run_id)
    _answer(b"ready\n")
    pending = b""
    while chunk := os.read(0, 4096):
        *lines, pending = (pending + chunk).split(b"\n")
        pending = pending[-MAX_LINE_BYTES:]
        for line in lines:
            answer = guardian.handle(line)
            if answer is not None:
                _answer(answer)
    guardian.kill_all()


def _close_inherited() -> None:
    for descriptor in map(int, os.listdir("/dev/fd")):
        if descriptor > 2:
            try:
                os.close(descriptor)
            except OSError:
                pass  # the one that listed them


def _answer(line: bytes) -> None:
    try:
        os.write(1, line)
    except OSError:
        pass  # the runtime is going; the end of the input follows


if __name__ == "__main__":
    main()
