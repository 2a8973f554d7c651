"""The guardian: when the runtime is gone, however it went, it kills what the runtime started.

Started by the runtime in a session of its own as `python -I -S guardian.py RUN_FILE`, with `DSPEX_RUN_ID` in its
environment. It writes `ready` when it listens. The runtime writes lines on its standard input: `add PID` (a worker, which
leads a process group; answered by `ok PID` on standard output) and `del PID`. The end of the input is the end of the
runtime. Then SIGKILL goes to the group of every registered worker, and on Linux to every process whose environment holds
exactly this run's id: children of user code that left the group. Nothing else is ever signalled: a pid counts only with the
start time that it had at `add`. A process that has left its worker's group and writes over its own environment is not found.

Where runtime and guardian are killed at once, the next guardian of this user does it. `RUN_FILE` is what is left of a run
then: who owns it, and its workers. The runtime has made it before it spawned anything; the guardian keeps it, and removes it
when nothing of the run is left. A run is dead when no process has its owner's pid and start time; of a dead run, SIGKILL goes to the
recorded workers that have the same start time and the run's id in their environment, and to whatever else holds that id. Then `reaped
RUN_ID COUNT` is written on standard output.
"""

import os
import signal
import sys
import time

GIVE_UP_SECONDS = 2.0
POLL_SECONDS = 0.01
MAX_LINE_BYTES = 64

KEPT_FOREIGN_FILES = 256
"""Files of runs elsewhere (another boot, container or machine that shares the directory): nothing here tells whether they are dead."""

MAX_HANDLES = 512
"""Workers that are held by a descriptor each; of further ones the group is ended only while they live themselves."""

_QUIET_ROUNDS = 2
"""A process has no environment for a moment while it executes another program, so one round that finds nothing proves nothing."""

_PIDFD_SIGNAL_PROCESS_GROUP = 4
"""Linux 6.9; the group is meant even after its leader has gone."""

_HAS_PROC = os.path.exists("/proc/self/stat")


class Guardian:
    """The registered workers of a run, and how they and the rest of it are killed."""

    def __init__(self, run_id: str) -> None:
        self._marker = _marker(run_id)
        self.workers: dict[int, str] = {}
        """When each of them started."""
        self._handles: dict[int, int] = {}
        self.killed: set[int] = set()

    def handle(self, line: bytes) -> bytes | None:
        """Takes one line of the runtime; returns what is answered. A line that is none of the two is ignored."""
        verb, _, argument = line.partition(b" ")
        if not argument.isdigit():
            return None
        pid = int(argument)
        if verb == b"del":
            self.remove(pid)
        if verb != b"add":
            return None
        started = start_time(pid) if pid > 1 else None
        if started is not None:
            self.add(pid, started)
        return b"ok %d\n" % pid

    def add(self, pid: int, started: str) -> None:
        """Registers a worker."""
        self.remove(pid)
        self.workers[pid] = started
        handle = _open(pid) if len(self._handles) < MAX_HANDLES else None
        if handle is None:
            return
        # Opened first, compared then: a number that has changed hands in between is seen.
        if start_time(pid) == started:
            self._handles[pid] = handle
        else:
            os.close(handle)

    def remove(self, pid: int) -> None:
        """Forgets a worker."""
        self.workers.pop(pid, None)
        handle = self._handles.pop(pid, None)
        if handle is not None:
            os.close(handle)

    def kill_all(self) -> bool:
        """Kills until nothing is left, at most for two seconds. Returns whether nothing is left."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        quiet = 0
        while True:
            quiet = 0 if self._kill_round() else quiet + 1
            if quiet == _QUIET_ROUNDS:
                return True
            if time.monotonic() >= give_up:
                return False
            time.sleep(POLL_SECONDS)

    def _kill_round(self) -> bool:
        """Signals everything that is still there; whether there was anything."""
        # Found before the first signal: of those that it ends nothing can be told any more.
        marked = self._open_marked() if _HAS_PROC else {}
        found = set(marked)
        for pid, started in self.workers.items():
            # Of a leader that has gone, as it does when the kernel ends it with its parent, the group may be left.
            if pid in self._handles:
                _signal(self._handles[pid], _PIDFD_SIGNAL_PROCESS_GROUP)
            if start_time(pid) == started:
                found.add(pid)
                _kill_group(pid)
        for handle in marked.values():
            _signal(handle)
            os.close(handle)
        self.killed |= found
        return bool(found)

    def _open_marked(self) -> dict[int, int]:
        """The processes of this run, each held by a descriptor so that its pid cannot come to mean another one."""
        marked: dict[int, int] = {}
        for pid in _processes():
            handle = _open(pid)
            if handle is None:
                continue
            if carries(pid, self._marker):
                marked[pid] = handle
            else:
                os.close(handle)
        return marked


class Run:
    """A run as its file tells of it: lines `run ID`, `place TEXT`, `owner PID START` and `worker PID START`, in any order."""

    def __init__(self, path: str) -> None:
        """
        Raises:
            OSError, ValueError: there is no such file, or it is no whole one.
        """
        self.path = path
        told: dict[str, str] = {}
        self.workers: dict[int, str] = {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                verb, _, rest = line.strip().partition(" ")
                if verb == "worker":
                    pid, _, started = rest.partition(" ")
                    self.workers[int(pid)] = started
                else:
                    told[verb] = rest
        if not (told.get("run") and told.get("place") and told.get("owner")):
            raise ValueError(f"{path} is not the file of a run")
        self.id = told["run"]
        self.place = told["place"]
        self._owner = told["owner"]

    @property
    def is_dead(self) -> bool:
        """Whether its owner is gone. Only known where the run's place is ours."""
        pid, _, started = self._owner.partition(" ")
        return start_time(int(pid)) != started

    def save(self, workers: dict[int, str]) -> None:
        """Notes the workers that there are now. Where the file cannot be written, the run goes on without."""
        lines = [f"run {self.id}", f"place {self.place}", f"owner {self._owner}"]
        lines += [f"worker {pid} {started}" for pid, started in workers.items()]
        fresh = self.path + ".new"
        try:
            with open(fresh, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            os.replace(fresh, self.path)
        except OSError:
            pass

    def reap(self) -> int | None:
        """Ends what is left of a dead run, and then its file. Returns how many processes were signalled; `None` if some would not end."""
        guardian = Guardian(self.id)
        for pid, started in self.workers.items():
            guardian.add(pid, started)
            # Only now: from here on its descriptor cannot come to mean another process.
            if start_time(pid) != started or not carries(pid, _marker(self.id)):
                guardian.remove(pid)
        if not guardian.kill_all():
            return None
        remove_directories(self.id)
        _unlink(self.path)
        return len(guardian.killed)


def dead_runs(own: Run) -> list[Run]:
    """The dead runs of our place; bounds the number of files of other places on the way."""
    dead: list[Run] = []
    foreign: list[tuple[float, str]] = []
    for entry in os.scandir(os.path.dirname(own.path)):
        try:
            run = Run(entry.path)
            if run.place != own.place:
                foreign.append((entry.stat().st_mtime, entry.path))
            elif run.is_dead:
                dead.append(run)
        except ValueError:
            foreign.append((entry.stat().st_mtime, entry.path))
        except OSError:
            pass  # it was removed in between, or is none of ours
    for _, path in sorted(foreign)[:-KEPT_FOREIGN_FILES]:
        _unlink(path)
    return dead


def carries(pid: int, marker: bytes) -> bool:
    """Whether a process has been started with this entry in its environment."""
    if not _HAS_PROC:
        return marker in _ps(pid, "-Eww", "-o", "command=").encode().split()
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return marker in environment.read().split(b"\0")
    except OSError:
        return False


def start_time(pid: int) -> str | None:
    """When a living process started, as the system tells it; `None` if there is none (a zombie is none)."""
    if not _HAS_PROC:
        state, _, started = _ps(pid, "-o", "state=,lstart=").strip().partition(" ")
        return started.strip() if started and not state.startswith("Z") else None
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name, in parentheses, may hold anything; the state is the first field behind it, the time the 20th.
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def _ps(pid: int, *options: str) -> str:
    """What `ps` says of a process, in a language and time zone that are the same for every reader."""
    import subprocess

    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC0"}
    return subprocess.run(["ps", *options, "-p", str(pid)], env=env, capture_output=True, text=True).stdout


def _marker(run_id: str) -> bytes:
    return b"DSPEX_RUN_ID=" + os.fsencode(run_id)


def _open(pid: int) -> int | None:
    """A descriptor that means this process and no later one of the same pid, where the system has such."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _signal(handle: int, flags: int = 0) -> None:
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL, None, flags)
    except OSError:
        pass  # nobody is left, it belongs to somebody else, or the kernel does not know the flag


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


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # another guardian was quicker


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
    own = _own_run()
    pending = b""
    while chunk := os.read(0, 4096):
        *lines, pending = (pending + chunk).split(b"\n")
        pending = pending[-MAX_LINE_BYTES:]
        for line in lines:
            answer = guardian.handle(line)
            if answer is not None:
                _answer(answer)
        if own is not None and any(line.startswith(b"add ") for line in lines):
            own.save(guardian.workers)
    ended = guardian.kill_all()
    remove_directories(run_id)
    if ended and own is not None:
        _unlink(own.path)


def remove_directories(run_id: str) -> None:
    """Removes the sockets of the run's zygotes, and their directories, which a zygote that was killed has left."""
    for parent in {os.environ.get("TMPDIR", "/tmp"), "/tmp"}:
        try:
            found = [name for name in os.listdir(parent) if name.startswith(f"dspex-{run_id}-")]
        except OSError:
            continue
        for directory in (os.path.join(parent, name) for name in found):
            try:
                for name in os.listdir(directory):
                    os.unlink(os.path.join(directory, name))
                os.rmdir(directory)
            except OSError:
                pass  # its zygote was quicker


def _own_run() -> Run | None:
    """This run's file, if it could be made; sees to dead runs on the way, beside what is to be done for this one."""
    try:
        own = Run(sys.argv[1])
        # Its owner is our parent: if even that seems dead, this system's word on the others is worth nothing.
        dead = [] if own.is_dead else dead_runs(own)
    except (IndexError, OSError, ValueError):
        return None
    if dead:
        import threading

        threading.Thread(target=_reap, args=(dead,), daemon=True).start()
    return own


def _reap(runs: list[Run]) -> None:
    for run in runs:
        count = run.reap()
        if count is not None:
            _answer(b"reaped %s %d\n" % (run.id.encode(), count))


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
