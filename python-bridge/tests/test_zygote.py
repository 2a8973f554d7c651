"""The zygote as its runtime speaks to it. What its workers are is shown in test/chaos/pool/zygote.test.ts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from dspex_bridge.kinds import Kind
from dspex_bridge.zygote import seed_numpy
from host import PYTHON, WAIT_SECONDS, frame, hello

TOKEN = "0123456789abcdef"


class Runtime:
    """Plays the runtime."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "zygote"
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(PYTHON / "zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.say(json.dumps({"socket": str(self.socket), "token": TOKEN, "paths": [], "warmUp": [], "seams": {}}))

    def say(self, line: str) -> None:
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> list[str]:
        return self.process.stdout.readline().decode().split()

    def connect(self, text: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.socket))
        connection.settimeout(WAIT_SECONDS)
        connection.sendall(text.encode())
        return connection

    def bear(self, birth: str) -> tuple[int, socket.socket]:
        """A worker's pid and wire."""
        wire = self.connect(f"wire {TOKEN} {birth}\n")
        self.connect(f"stderr {TOKEN} {birth}\n{{}}\n")
        verb, named, pid = self.hear()
        assert (verb, named) == ("forked", birth)
        return int(pid), wire


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: Any) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path_factory.mktemp("z"))
    assert runtime.hear() == ["ready"]
    yield runtime
    runtime.process.kill()
    runtime.process.wait()


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def test_keeps_the_number_of_a_dead_child_until_its_runtime_knows(runtime: Runtime) -> None:
    pid, wire = runtime.bear("1")
    os.kill(pid, signal.SIGKILL)
    assert runtime.hear() == ["exited", str(pid), "signal", "9"]
    assert state(pid) == "Z"
    runtime.say(f"reap {pid}")
    runtime.say("ping")
    assert runtime.hear() == ["pong"]
    assert state(pid) == ""
    assert wire.recv(1) == b""


@pytest.mark.parametrize("token", ["", "0123456789abcdee", TOKEN + "0", "é"])
def test_hangs_up_on_who_does_not_know_the_token(runtime: Runtime, token: str) -> None:
    assert runtime.connect(f"wire {token} 2\n").recv(1) == b""
    assert runtime.connect(f"stderr {token} 2\n{{}}\n").recv(1) == b""
    runtime.say("ping")
    assert runtime.hear() == ["pong"]


def test_keeps_a_bounded_number_of_halves(runtime: Runtime) -> None:
    halves = [runtime.connect(f"wire {TOKEN} half-{index}\n") for index in range(40)]
    silent = [runtime.connect("wire") for _ in range(40)]
    assert halves[0].recv(1) == b""
    assert silent[0].recv(1) == b""
    pid, _ = runtime.bear("3")
    descriptors = os.listdir(f"/proc/{runtime.process.pid}/fd")
    assert len(descriptors) < 50
    os.kill(pid, signal.SIGKILL)
    assert runtime.hear()[0] == "exited"
    runtime.say(f"reap {pid}")


def test_lets_a_stopped_worker_go_on_when_it_ends_and_the_worker_works_until_the_end_of_its_wire(tmp_path: Path) -> None:
    other = Runtime(tmp_path)
    assert other.hear() == ["ready"]
    pid, wire = other.bear("1")
    wire.sendall(frame(Kind.HELLO, hello()))
    assert wire.recv(8)[5] == Kind.READY
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: state(pid) == "T")
    other.process.kill()
    other.process.wait()
    eventually(lambda: state(pid) == "S")
    wire.close()
    eventually(lambda: state(pid) in ("", "Z"))


def test_leaves_with_its_runtime_and_leaves_no_file(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir(mode=0o700)
    other = Runtime(directory)
    assert other.hear() == ["ready"]
    other.process.stdin.close()
    assert other.process.wait(10) == 0
    assert not directory.exists()


def test_lets_no_two_children_draw_the_same_numbers_of_numpy() -> None:
    before = numpy.random.get_state()
    drawn = []
    for _ in range(2):
        numpy.random.set_state(before)  # as each fork begins
        seed_numpy()
        drawn.append(numpy.random.random())
    assert drawn[0] != drawn[1]
