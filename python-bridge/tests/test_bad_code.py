"""User code that does what it must not, in a real worker: each has its answer, and nothing hangs."""

import os
import signal
import time
from pathlib import Path

import pytest
from host import Worker, eventually, frame, hello, lm_reply

from dspex_bridge.messages import Kind

ECHO = "dspex_bridge.builtins:echo"
ECHO_ASYNC = "dspex_bridge.builtins:echo_async"
LM = {"name": "default", "config": {}}


@pytest.fixture(scope="module")
def shared_worker():
    with Worker(lm=lambda _: lm_reply("yes"), threads=4) as worker:
        yield worker


@pytest.fixture
def shared(shared_worker):
    """A worker that must stand what the test does to it."""
    yield shared_worker
    assert shared_worker.call(ECHO, 1) == 1
    assert shared_worker.call(ECHO_ASYNC, 1) == 1
    assert shared_worker.ping()["inFlight"] == []


@pytest.fixture
def fresh():
    with Worker() as worker:
        yield worker


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class TestDescriptors:
    @pytest.mark.parametrize(
        ("first", "behind", "status"), [(200, 201, 74), (201, 202, 74), (3, 256, None)]
    )
    def test_a_function_that_closes_the_wire_ends_its_worker(self, fresh, first, behind, status):
        fresh.start("hostile_code:close_descriptors", [first, behind])
        fresh.start(ECHO, [1])
        ended = fresh.wait(5)
        assert ended == status if status is not None else ended > 0
        if status is not None:
            assert fresh.stderr().splitlines()[-1].endswith("user code closed the descriptors of the protocol")

    def test_a_function_that_puts_something_else_in_the_place_of_the_wire_ends_its_worker(self, fresh):
        fresh.start("hostile_code:replace_wire", [])
        assert fresh.wait(5) == 74

    def test_a_function_that_closes_its_output_gets_the_error(self, fresh):
        assert fresh.call("hostile_code:close_stdio") == "refused: 9"
        assert fresh.call(ECHO, 1) == 1

    def test_a_function_that_replaces_its_output_harms_nobody_else(self, fresh):
        for how in ("closed", "text", "none"):
            fresh.call("hostile_code:replace_stdout", how)
            assert fresh.call(ECHO_ASYNC, 1) == 1
        fresh.send(Kind.DRAIN, [])
        assert fresh.wait() == 0
        assert fresh.said_bye()


class TestForks:
    @pytest.mark.parametrize(
        ("target", "arguments"),
        [
            ("hostile_code:fork_and_return", []),
            ("hostile_code:fork_on_the_loop", [False]),
            ("hostile_code:fork_on_the_loop", [True]),
        ],
    )
    def test_g1_a_call_that_forks_is_answered_once_and_the_copy_is_gone(self, shared, target, arguments):
        call = shared.start(target, arguments)
        parent, child = shared.value(call)
        assert parent == shared.process.pid
        eventually(lambda: not is_running(child))
        assert shared.answers[call].empty()

    def test_g1_calls_beside_one_that_forks_go_on_in_one_process_only(self, shared, tmp_path):
        notes = tmp_path / "notes"
        child = shared.call("hostile_code:fork_beside_others", str(notes))
        eventually(lambda: not is_running(child))
        assert notes.read_text().split() == [str(shared.process.pid)] * 500

    def test_a_stream_that_forks_is_read_once(self, shared):
        assert shared.stream("hostile_code:fork_and_yield", [])[0] == [1, 2]

    def test_an_error_behind_a_fork_is_raised_once(self, shared):
        call = shared.start("hostile_code:fork_and_fail", [])
        assert shared.error(call)["message"] == "in both"
        shared.ping()
        assert shared.answers[call].empty()

    def test_a_fork_that_asks_the_host_is_refused(self, shared):
        assert shared.call("hostile_code:ask_in_a_fork", lm=LM).endswith("a process that was forked off a worker cannot ask the host")

    def test_a_child_that_runs_a_program_of_its_own_is_no_fork(self, shared):
        assert shared.call("hostile_code:subprocess_with_preexec") == "out of a child\n"

    def test_what_a_fork_prints_and_logs_arrives(self, shared):
        shared.call("hostile_code:print_in_a_fork")
        eventually(lambda: ["stdout", "info", "printed by a fork"] in shared.logs)
        eventually(lambda: ["stderr", "warn", "fork: logged by a fork"] in shared.logs)


class TestStacks:
    @pytest.mark.parametrize(
        ("target", "arguments"),
        [("hostile_code:hold_the_gil", [600]), ("user_code:block_loop", [0.6]), ("user_code:sleep", [0.6])],
        ids=["while a thread holds the GIL", "while the loop is blocked", "while a thread sleeps"],
    )
    def test_the_stacks_of_a_worker_can_be_had_at_any_time(self, shared, target, arguments):
        shared.call(ECHO, 1)
        call = shared.start(target, arguments)
        time.sleep(0.2)
        before = time.monotonic()
        shared.process.send_signal(signal.SIGUSR2)
        told = ""
        while target.split(":")[1] not in told or "worker.py" not in told.splitlines()[-1]:  # the main thread comes last
            told += os.read(shared.process.stderr.fileno(), 64 * 1024).decode()
            assert shared.process.poll() is None
        assert time.monotonic() - before < 1
        assert shared.value(call) in (None, "slept")


class TestRecursion:
    @pytest.mark.parametrize("target", ["hostile_code:recurse", "hostile_code:recurse_async"])
    def test_a_function_without_end_is_an_error_of_its_call(self, shared, target):
        error = shared.error(shared.start(target, []))
        assert error["type"] == "builtins.RecursionError"
        assert "recurse" in error["traceback"]

    def test_a_result_that_is_too_deep_is_an_error_of_its_call(self, shared):
        assert shared.call("hostile_code:nested", 500)
        assert shared.error(shared.start("hostile_code:nested", [100_000]))["code"] == "unserializable_result"

    def test_one_that_overflows_the_stack_of_the_interpreter_ends_its_worker_which_says_where(self, fresh):
        fresh.start("hostile_code:recurse_in_c_on_the_loop", [])
        assert fresh.wait() == -signal.SIGSEGV
        told = fresh.stderr()
        assert "Fatal Python error: Segmentation fault" in told
        assert "in recurse_in_c" in told


RAISED = [
    "Base",
    "KeyboardInterrupt",
    "SystemExit",
    "GeneratorExit",
    "CancelledError",
    "StopIteration",
    "StopAsyncIteration",
    "InvalidStateError",
    "MemoryError",
]


class TestExceptions:
    @pytest.mark.parametrize("name", RAISED)
    @pytest.mark.parametrize("target", ["raise_sync", "raise_async", "raise_in_a_stream", "raise_in_an_async_stream"])
    def test_g1_whatever_is_raised_is_an_error_of_its_call(self, shared, target, name):
        call = shared.start(f"hostile_code:{target}", [name], credits=10 if "stream" in target else None)
        error = shared.error(call)
        assert error["code"] == "exception"
        assert name in error["type"] or name in error["message"]  # in a coroutine or generator, Python itself makes some to RuntimeError

    @pytest.mark.parametrize("name", ["SaysNothing", "SaysNoText", "SaysItself", "HidesItsCause"])
    def test_an_exception_that_cannot_be_read_is_an_error_all_the_same(self, shared, name):
        error = shared.error(shared.start("hostile_code:raise_hostile", [name]))
        assert error["type"] == f"hostile_code.{name}"
        assert error["message"] != ""
        assert ("in raise_hostile" in error["traceback"]) == (name != "HidesItsCause")

    def test_g4_causes_that_go_in_a_circle_are_cut(self, shared):
        error = shared.error(shared.start("hostile_code:raise_circle", []))
        depth = 0
        while error is not None:
            error, depth = error["cause"], depth + 1
        assert 2 <= depth <= 9

    def test_g4_a_message_of_any_size_is_bounded_at_once(self, shared):
        before = time.monotonic()
        error = shared.error(shared.start("hostile_code:raise_large", [50_000_000]))
        assert len(error["message"]) < 70_000
        assert time.monotonic() - before < 3

    @pytest.mark.parametrize("how", ["task", "callback", "stop", "thread"])
    def test_what_a_call_leaves_behind_does_not_end_the_worker(self, shared, how):
        assert shared.call("hostile_code:leave_behind", how) == how
        assert shared.call(ECHO_ASYNC, 1) == 1
        if how in ("task", "callback"):
            eventually(lambda: any("left behind" in line[2] and line[1] == "error" for line in shared.logs))

    def test_g1_a_call_whose_task_another_one_cancels_before_it_begins_is_answered(self, shared):
        cancel = "hostile_code:cancel_all_others"
        shared.call(cancel)
        shared.call(ECHO_ASYNC, 1)
        canceller, *others = (shared.next_id() for _ in range(4))
        calls = [(canceller, cancel, []), *((other, ECHO_ASYNC, [1]) for other in others)]
        # In one write: all of them have their tasks before the first one runs.
        shared.write(b"".join(frame(Kind.CALL, [id, {"function": name}, arguments, None, {}]) for id, name, arguments in calls))
        assert shared.value(canceller) is None
        shared.ping()
        assert [shared.error(other)["type"] for other in others] == ["asyncio.exceptions.CancelledError"] * 3

    def test_a_function_cannot_close_the_loop_under_the_others(self, shared):
        assert shared.error(shared.start("hostile_code:close_the_loop", []))["type"] == "builtins.RuntimeError"

    def test_a_worker_whose_loop_is_broken_ends_and_says_so(self, fresh):
        fresh.start("user_code:wait_for_stop", [])  # a thread that the interpreter's own end would wait for
        fresh.start("hostile_code:break_the_loop", [])
        assert fresh.wait() == 70
        assert "its event loop ended" in fresh.stderr().splitlines()[-1]


class TestSecrets:
    def test_g11_no_secret_is_in_what_a_worker_says_of_itself(self, monkeypatch):
        monkeypatch.setenv("CANARY_TOKEN", "canary-0123456789")
        with Worker() as worker:
            error = worker.error(worker.start("hostile_code:raise_secret", []))
            assert error["message"] == "Client(api_key='[redacted]')"
            assert error["cause"]["message"] == "'[redacted]'"
            worker.call("hostile_code:print_secret")
            eventually(lambda: ["stdout", "info", "the token is [redacted]"] in worker.logs)
            assert "canary-0" not in str(error)


class TestResults:
    @pytest.mark.parametrize("what", ["circle", "function", "generator", "class", "integer", "key", "complex", "lock"])
    def test_a_result_that_cannot_be_sent_is_an_error_of_its_call(self, shared, what):
        assert shared.error(shared.start("hostile_code:unsendable", [what]))["code"] == "unserializable_result"

    def test_so_is_one_that_fails_while_it_is_read(self, shared):
        assert shared.error(shared.start("hostile_code:unsendable", ["model"]))["type"] == "builtins.SystemExit"

    def test_so_is_a_coroutine_that_nobody_awaited(self, shared):
        assert shared.error(shared.start("hostile_code:unawaited", []))["code"] == "unserializable_result"


class TestEnds:
    @pytest.mark.parametrize(("how", "status"), [("exit", 3), ("abort", -signal.SIGABRT)])
    def test_a_function_that_ends_the_process_ends_it(self, fresh, how, status):
        fresh.start("hostile_code:end", [how])
        assert fresh.wait() == status

    def test_g6_the_end_of_the_host_ends_what_user_code_started(self, fresh):
        sleeper = fresh.call("hostile_code:start_sleeper")
        assert is_running(sleeper)
        fresh.close_input()
        fresh.wait()
        eventually(lambda: not is_running(sleeper), timeout=2)

    def test_sigterm_at_any_moment_of_the_start_ends_the_worker_without_a_word(self):
        for ms in (0, 2, 5, 10, 15, 20, 30, 50, 100, 200, 400, 800):
            with Worker(greet=False) as worker:
                worker.send(Kind.HELLO, hello())
                time.sleep(ms / 1000)
                worker.process.send_signal(signal.SIGTERM)
                # By the signal itself, while the interpreter has not come to our first line.
                assert worker.wait(5) in (0, -signal.SIGTERM)
                assert worker.stderr() == ""
