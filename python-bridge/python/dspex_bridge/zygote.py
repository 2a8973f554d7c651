"""A pool's zygote: imports once what every worker needs, then forks workers, which start in milliseconds and share its memory.

It speaks in lines. On standard input: first its settings, as JSON (`socket`, `token`, `paths`, `warmUp`, `seams`); then `reap PID`
for each worker whose end the runtime has taken note of, so that until then the pid, and the number of its process group, mean nobody
else, and `ping`. The end of the input is the end of the runtime, and of the zygote. On standard output:

- `ready`: it listens on the socket.
- `forked BIRTH PID`, or `refused BIRTH REASON`.
- `pong`, to `ping`.
- `exited PID status N`, or `exited PID signal N`.
- `unsafe NAME REASON`: what the import of NAME leaves behind does not survive a fork. It exits.

A birth takes two connections to the socket: `wire TOKEN BIRTH` becomes the worker's standard input and output, `stderr TOKEN
BIRTH` and a JSON object in the next line, its environment, its standard error. Nothing more is said on either before
`forked`. The worker goes the way of every other one (`entry.py`).

What must not be there when it forks: threads, which would be gone in the child with whatever locks they hold; and
descriptors of libraries (sockets, databases, event loops), which all children would share.
"""

import contextlib
import gc
import hmac
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import NamedTuple, NoReturn

from .entry import become_worker
from .process import (
    EXIT_BROKEN,
    EXIT_END_OF_INPUT,
    EXIT_UNSAFE,
    die_with_parent,
    fail,
    name_process,
    wake_at_end_of_parent,
)

MAX_CONNECTIONS = 16
"""That are not part of a whole request yet; then the oldest gives way. The runtime asks for one worker at a time."""

MAX_REQUEST_BYTES = 1024 * 1024

_READ_BYTES = 64 * 1024


class Settings(NamedTuple):
    """What the runtime says first."""

    socket: str
    """Where to listen, in a directory of its own, which is removed with the zygote."""
    token: str
    paths: list[str]
    """Where the user's modules are."""
    warm_up: list[str]
    """Modules of the user to import, as far as forks leave them whole."""
    seams: dict[str, bool]
    """As HELLO will say to each worker."""


def main() -> NoReturn:
    """Runs a zygote until the runtime ends it."""
    # Ctrl-C goes to all, and is the supervisor's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    name_process("dspex-zygote")
    control, reports = os.dup(0), os.dup(1)
    # What modules print while they are imported must not be taken for a report.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    settings = _read_settings(control)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(settings.socket)
    listener.listen(MAX_CONNECTIONS)
    zygote = Zygote(settings, control, reports, listener)
    zygote.import_all()
    # Frozen, the modules stay shared: a collection in a child would write to all of them.
    gc.collect()
    gc.freeze()
    wake_at_end_of_parent()
    zygote.serve()


class _Half(NamedTuple):
    role: str
    fd: int
    environment: str
    """Of `stderr`, as JSON."""


class Zygote:
    """One thread that waits for requests and for the end of children."""

    def __init__(self, settings: Settings, control: int, reports: int, listener: socket.socket) -> None:
        self._settings = settings
        self._control = control
        self._control_line = b""
        self._reports = reports
        self._listener = listener
        self._wake, self._woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._requests: dict[int, bytes] = {}  # by descriptor, what has been read
        self._halves: dict[str, _Half] = {}  # by birth, what waits for the other one
        self._children: set[int] = set()  # whose end has not been reported

    def import_all(self) -> None:
        """Imports DSPy, the bridge and the user's modules; ends the process where one of them rules out forks."""
        from .main import import_dspy

        held = _descriptors()
        path = list(sys.path)
        sys.path[:0] = self._settings.paths
        import_dspy(2)
        from . import connection, host, json_lines_codec, logs, msgpack_codec, seams, worker  # noqa: F401

        seams.install(self._settings.seams)

        self._check("dspy", held)
        for name in self._settings.warm_up:
            # A module that fails, fails again in the worker, which tells of it.
            with contextlib.suppress(BaseException):
                importlib.import_module(name)
            self._check(name, held)
        sys.path[:] = path  # `main` adds to it what HELLO says
        for stream in (sys.stdout, sys.stderr):
            stream.flush()

    def serve(self) -> NoReturn:
        """Forks on request."""
        signal.set_wakeup_fd(self._woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._report("ready")
        while True:
            poll = select.poll()
            # The listener last: in one round no descriptor may come to mean another connection.
            for fd in (self._control, self._wake, *self._requests, self._listener.fileno()):
                poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll():
                if fd == self._control:
                    self._read_control()
                elif fd == self._wake:
                    os.read(self._wake, _READ_BYTES)
                    self._report_ends()
                elif fd in self._requests:
                    self._read_request(fd)
                elif fd == self._listener.fileno():
                    self._accept()

    def _check(self, name: str, held: set[int]) -> None:
        threads = len(os.listdir("/proc/self/task")) - 1
        opened = len(_descriptors() - held)
        if threads or opened:
            self._report(f"unsafe {name} its import leaves {threads} threads and {opened} open descriptors behind")
            os._exit(EXIT_UNSAFE)

    def _read_control(self) -> None:
        chunk = os.read(self._control, _READ_BYTES)
        if not chunk:
            self._leave()
        *lines, self._control_line = (self._control_line + chunk).split(b"\n")
        for line in lines:
            verb, _, pid = line.partition(b" ")
            if verb == b"reap":
                os.waitpid(int(pid), 0)
            elif verb == b"ping":
                self._report("pong")

    def _leave(self) -> NoReturn:
        with contextlib.suppress(OSError):
            os.unlink(self._settings.socket)
            os.rmdir(os.path.dirname(self._settings.socket))
        os._exit(EXIT_END_OF_INPUT)

    def _accept(self) -> None:
        # Where it fails there are no more descriptors: the zygote ends, and the runtime goes on without it.
        connection, _ = self._listener.accept()
        if len(self._requests) >= MAX_CONNECTIONS:
            self._drop(next(iter(self._requests)))
        self._requests[connection.detach()] = b""

    def _drop(self, fd: int) -> None:
        self._requests.pop(fd, None)
        os.close(fd)

    def _read_request(self, fd: int) -> None:
        try:
            chunk = os.read(fd, _READ_BYTES)
        except OSError:
            return self._drop(fd)
        read = self._requests[fd] = self._requests[fd] + chunk
        if not chunk or len(read) > MAX_REQUEST_BYTES:
            return self._drop(fd)
        head, *rest = read.decode(errors="replace").split("\n")
        # `wire` is one line; of `stderr` the second one has to be there as well.
        role, token, birth, *_ = [*head.split(" "), "", "", ""]
        if len(rest) < (2 if role == "stderr" else 1):
            return None
        if role not in ("wire", "stderr") or not hmac.compare_digest(token.encode(), self._settings.token.encode()):
            return self._drop(fd)
        del self._requests[fd]
        self._pair(birth, _Half(role, fd, rest[0]))
        return None

    def _pair(self, birth: str, half: _Half) -> None:
        other = self._halves.pop(birth, None)
        if other is None:
            if len(self._halves) >= MAX_CONNECTIONS:
                os.close(self._halves.pop(next(iter(self._halves))).fd)
            self._halves[birth] = half
            return
        wire, stderr = (other, half) if half.role == "stderr" else (half, other)
        try:
            pid = os.fork()
        except OSError as error:
            self._report(f"refused {birth} {error}")
        else:
            if pid == 0:
                self._live(wire.fd, stderr.fd, stderr.environment)
            self._children.add(pid)
            self._report(f"forked {birth} {pid}")
        os.close(wire.fd)
        os.close(stderr.fd)

    def _live(self, wire: int, stderr: int, environment: str) -> NoReturn:
        """In the child: leaves behind what is the zygote's, and becomes a worker. Python itself seeds `random` anew in a fork."""
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for source, target in ((wire, 0), (wire, 1), (stderr, 2)):
                os.dup2(source, target)
            self._listener.detach()
            for fd in _descriptors() - {0, 1, 2}:
                with contextlib.suppress(OSError):  # the one that listed them
                    os.close(fd)
            os.environ.clear()
            os.environ.update(json.loads(environment))
            seed_numpy()
            become_worker(forked=True)
        except BaseException as error:
            fail(2, EXIT_BROKEN, f"it could not be born: {error!r}")

    def _report_ends(self) -> None:
        for pid in tuple(self._children):
            # It stays a zombie, and its pid its own, until the runtime knows.
            end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if end is not None:
                self._children.remove(pid)
                how = "status" if end.si_code == os.CLD_EXITED else "signal"
                self._report(f"exited {pid} {how} {end.si_status}")

    def _report(self, line: str) -> None:
        try:
            os.write(self._reports, line.encode() + b"\n")
        except OSError:  # the runtime is gone
            self._leave()


def _read_settings(control: int) -> Settings:
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(control, _READ_BYTES)
        if not chunk:
            os._exit(EXIT_END_OF_INPUT)
        line += chunk
    said = json.loads(line)
    return Settings(said["socket"], said["token"], said["paths"], said["warmUp"], said["seams"])


def _descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}


def seed_numpy() -> None:
    """Else all children draw the same numbers. A numpy that was imported lazily and not used yet seeds itself."""
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
