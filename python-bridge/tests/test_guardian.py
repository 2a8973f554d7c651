"""The guardian against real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import guardian
import pytest
from host import eventually

GUARDIAN = Path(guardian.__file__)

# A worker's stand-in: leads a group, has a child in the group and one in a session of its own; prints their pids.
FAMILY = """
import subprocess, sys, time
sleep = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
inside = subprocess.Popen(sleep)
outside = subprocess.Popen(sleep, start_new_session=True)
print(inside.pid, outside.pid, flush=True)
time.sleep(60)
"""
SLEEPER = "import time; time.sleep(60)"

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@pytest.fixture
def start():
    """Starts Python processes of a run, each in a session of its own; ends them behind the test."""
    started = []

    def start(code: str, run_id: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "DSPEX_RUN_ID": run_id},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def watch():
    """A guardian process of the run `mine`."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARDIAN)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "DSPEX_RUN_ID": "mine"},
    )
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    if not process.stdin.closed:
        process.stdin.close()


def register(process: subprocess.Popen, pid: int) -> None:
    process.stdin.write(b"add %d\n" % pid)
    process.stdin.flush()
    assert process.stdout.readline() == b"ok %d\n" % pid


def alive(pid: int) -> bool:
    return guardian.start_time(pid) is not None


@linux
def test_g6_kills_a_worker_its_group_and_a_grandchild_in_a_session_of_its_own(start, watch):
    worker = start(FAMILY, "mine")
    inside, outside = map(int, worker.stdout.readline().split())
    register(watch, worker.pid)
    before = time.monotonic()
    watch.stdin.close()
    assert watch.wait(5) == 0
    eventually(lambda: not any(map(alive, (worker.pid, inside, outside))))
    assert time.monotonic() - before < 2


@linux
def test_g6_kills_a_stopped_worker_that_was_never_registered(start, watch):
    worker = start(SLEEPER, "mine")
    worker.send_signal(signal.SIGSTOP)
    watch.stdin.close()
    assert watch.wait(5) == 0
    eventually(lambda: not alive(worker.pid))  # what was killed takes a moment to end


def test_g6_never_signals_a_process_that_is_not_ours(start, watch):
    decoys = [start(SLEEPER, "mine-too"), start(SLEEPER, "min"), start(SLEEPER, "x DSPEX_RUN_ID=mine")]
    deleted = start(SLEEPER, "other")
    register(watch, deleted.pid)
    watch.stdin.write(b"del %d\nadd\nadd -1\nadd x\nnonsense\n" % deleted.pid)
    watch.stdin.close()
    assert watch.wait(5) == 0
    assert all(alive(decoy.pid) for decoy in [*decoys, deleted])


def test_g6_never_signals_a_process_that_got_the_pid_of_a_worker(start, monkeypatch):
    stranger = start(SLEEPER, "other")
    ours = guardian.Guardian("mine")
    with monkeypatch.context() as earlier:
        earlier.setattr(guardian, "start_time", lambda pid: "1")
        assert ours.handle(b"add %d" % stranger.pid) == b"ok %d\n" % stranger.pid
    ours.kill_all()
    assert alive(stranger.pid)


def test_outlives_the_signals_that_a_terminal_sends(start, watch):
    worker = start(SLEEPER, "other")
    register(watch, worker.pid)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        watch.send_signal(number)
    register(watch, worker.pid)
    watch.stdin.close()
    assert watch.wait(5) == 0
    eventually(lambda: not alive(worker.pid))


def test_says_what_it_lacks(tmp_path):
    done = subprocess.run([sys.executable, "-I", "-S", str(GUARDIAN)], env={}, capture_output=True, text=True, input="")
    assert done.returncode == 1
    assert "DSPEX_RUN_ID" in done.stderr


@linux
def test_holds_no_descriptor_of_its_parent(watch):
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    held = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARDIAN)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
        env={**os.environ, "DSPEX_RUN_ID": "nobody"},
    )
    try:
        os.close(write_end)
        assert held.stdout.readline() == b"ready\n"
        assert os.read(read_end, 1) == b""  # every copy of the write end is closed
    finally:
        held.kill()
        held.wait()
        held.stdin.close()
        held.stdout.close()
        os.close(read_end)
