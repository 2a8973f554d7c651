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

# A worker that has ended before its child, whose environment names no run.
BEREFT = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], env={}).pid, flush=True)
sys.stdin.readline()
"""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@pytest.fixture
def start():
    """Starts Python processes of a run, each in a session of its own; ends them behind the test."""
    started = []

    def start(code: str, run_id: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code],
            stdin=subprocess.PIPE,
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
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def runs(tmp_path):
    """A registry of runs: makes the file of one, and hands out its path."""

    def make(run_id: str, owner: str, *workers: str, place: str = "here") -> Path:
        lines = [f"run {run_id}", f"place {place}", f"owner {owner}", *(f"worker {worker}" for worker in workers)]
        path = tmp_path / run_id
        path.write_text("\n".join(lines) + "\n")
        return path

    return make


def identity(process: subprocess.Popen) -> str:
    return f"{process.pid} {guardian.start_time(process.pid)}"


OURS = f"{os.getpid()} {guardian.start_time(os.getpid())}"
GONE = f"{os.getpid()} 1"  # its pid means another process by now


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
@pytest.mark.skipif(
    tuple(map(int, os.uname().release.split(".")[:2])) < (6, 9), reason="the group of a dead leader cannot be signalled"
)
def test_g6_kills_the_group_of_a_worker_that_has_ended_before(start, watch):
    worker = start(BEREFT, "mine")
    child = int(worker.stdout.readline())
    register(watch, worker.pid)
    worker.stdin.close()
    worker.wait()
    assert alive(child)
    watch.stdin.close()
    assert watch.wait(5) == 0
    eventually(lambda: not alive(child))


def test_g6_looks_again_when_it_finds_nothing(monkeypatch):
    rounds = iter([True, False, True, False, False])
    ours = guardian.Guardian("mine")
    monkeypatch.setattr(ours, "_kill_round", lambda: next(rounds))
    assert ours.kill_all()
    assert next(rounds, None) is None


@linux
def test_scenarios_3_and_6_ends_what_is_left_of_a_dead_run_and_nothing_else(start, runs):
    own = runs("mine", OURS)
    stale, unrecorded = start(FAMILY, "dead"), start(SLEEPER, "dead")
    family = [stale.pid, *map(int, stale.stdout.readline().split())]
    living, foreign = start(SLEEPER, "living"), start(SLEEPER, "")
    dead = runs("dead", GONE, identity(stale))
    runs("living", OURS, identity(living))

    found = guardian.dead_runs(guardian.Run(str(own)))
    assert [run.id for run in found] == ["dead"]
    assert found[0].reap() == 4
    assert not any(map(alive, [*family, unrecorded.pid]))
    assert alive(living.pid) and alive(foreign.pid)
    assert sorted(file.name for file in own.parent.iterdir()) == ["living", "mine"]
    assert not dead.exists()


def test_scenario_4_a_recorded_pid_that_means_another_process_is_not_signalled(start, runs, monkeypatch):
    # One has the start time and not the run's id, the other has it the other way round.
    same_start, same_id = start(SLEEPER, "dead-too"), start(SLEEPER, "dead")
    dead = runs("dead", GONE, identity(same_start), f"{same_id.pid} 1")
    monkeypatch.setattr(guardian, "_processes", lambda: [])
    assert guardian.Run(str(dead)).reap() == 0
    with pytest.raises(subprocess.TimeoutExpired):
        same_id.wait(0.2)
    assert alive(same_start.pid)


@linux
def test_a_worker_that_is_found_is_ended_with_its_group(start, runs):
    worker = start(BEREFT, "dead")
    child = int(worker.stdout.readline())
    assert guardian.Run(str(runs("dead", GONE, identity(worker)))).reap() == 1
    eventually(lambda: not alive(child))


def test_scenario_7_looks_at_no_process_where_no_run_is_dead(runs, monkeypatch):
    own = guardian.Run(str(runs("mine", OURS)))
    runs("living", OURS)
    monkeypatch.setattr(guardian, "_processes", lambda: pytest.fail("looked at all processes"))
    assert guardian.dead_runs(own) == []


def test_g4_keeps_files_of_other_places_and_garbage_but_not_for_ever(runs, monkeypatch):
    own = runs("mine", OURS)
    kept = [runs(f"elsewhere-{n}", GONE, place="there") for n in range(3)]
    (own.parent / "garbage").write_bytes(b"\xff\x00 run x")
    (own.parent / "empty").touch()
    os.utime(kept[0], (1, 1))
    (own.parent / "directory").mkdir()
    monkeypatch.setattr(guardian, "KEPT_FOREIGN_FILES", 4)
    assert guardian.dead_runs(guardian.Run(str(own))) == []
    left = {file.name for file in own.parent.iterdir()}
    assert left == {"mine", "elsewhere-1", "elsewhere-2", "garbage", "empty", "directory"}


def test_keeps_the_file_of_its_run_and_removes_it_when_nothing_is_left(start, runs):
    own = runs("mine", OURS)
    watch = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARDIAN), str(own)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "DSPEX_RUN_ID": "mine"},
    )
    with watch:
        assert watch.stdout.readline() == b"ready\n"
        first, second = start(SLEEPER, "mine"), start(SLEEPER, "mine")
        for worker in (first, second):
            register(watch, worker.pid)
        eventually(lambda: own.read_text().endswith(f"worker {identity(first)}\nworker {identity(second)}\n"))
        assert own.read_text().startswith(f"run mine\nplace here\nowner {OURS}\n")
        watch.stdin.close()
        assert watch.wait(5) == 0
    assert not own.exists()


def test_the_start_of_a_process_is_the_same_for_every_reader(monkeypatch):
    monkeypatch.setattr(guardian, "_HAS_PROC", False)
    told = set()
    for zone in ("UTC0", "XXX-9", "YYY7"):
        monkeypatch.setenv("TZ", zone)
        told.add(guardian.start_time(os.getpid()))
    assert len(told) == 1 and None not in told
    assert guardian.start_time(2**22 + 1) is None


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
        earlier.setattr(guardian, "_open", lambda pid: None)
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
