"""A real worker process over real pipes."""

import signal
import subprocess
import sys
import time

import pytest
from host import LM, PYTHON, Worker, eventually, frame, hello, now_ms, spec

from dspex_bridge.messages import Kind

ECHO = "dspex_bridge.builtins:echo"
ECHO_ASYNC = "dspex_bridge.builtins:echo_async"


@pytest.fixture(scope="module")
def small():
    """A worker whose host takes little, and few calls."""
    with Worker(maxFrameBytes=1024, maxInFlight=2) as worker:
        yield worker


class TestStart:
    def test_ready_says_what_is_in_force(self, shared):
        ready = shared.ready
        assert ready["protocol"] == 1
        assert ready["pid"] == shared.process.pid
        assert ready["dspy"].startswith("3.4.")
        assert (ready["maxInFlight"], ready["threads"], ready["maxFrameBytes"]) == (256, 4, 16 * 1024 * 1024)
        assert set(ready["seams"].values()) == {"on"}

    def test_what_was_off_for_a_quick_start_is_on_again(self, shared):
        assert shared.call("gc:isenabled") is True
        assert shared.call("user_code:stack_depth") > 2

    def test_frames_that_arrive_with_the_hello_of_a_newer_host_are_handled_after_ready(self):
        with Worker(greet=False) as worker:
            worker.write(frame(Kind.HELLO, hello(protocol={"min": 1, "max": 9})) + frame(Kind.PING, [1, now_ms()]))
            assert worker.pongs.get(timeout=10)[0] == 1
            assert worker.kinds == [Kind.READY, Kind.PONG]


class TestFunctions:
    VALUE = {"a": [1, 2.5, "ü", None, True], "b": {"c": b"\x00\xff"}, "big": 2**63}

    @pytest.mark.parametrize(("target", "lane"), [(ECHO, "thread"), (ECHO_ASYNC, "async")])
    def test_runs_sync_functions_on_threads_and_async_ones_on_the_loop(self, shared, target, lane):
        outcome, value, info = shared.answer(shared.start(target, [self.VALUE]))
        assert (outcome, value) == ("result", self.VALUE)
        assert info["lane"] == lane
        assert info["durationMs"] >= 0
        assert (info["lmCalls"], info["usage"]) == (0, None)

    def test_values_take_their_json_form(self, shared):
        assert shared.call("user_code:rich") == {
            "point": {"x": 1, "at": "2026-01-02"},
            "prediction": {"answer": "a"},
        }

    @pytest.mark.parametrize(
        "target",
        ["nowhere:f", "user_code:nothing", "user_code:value", "user_code", "user_code:a b", "../user_code:f", ":f", "os:"],
    )
    def test_a_target_that_is_no_function_is_invalid(self, shared, target):
        error = shared.error(shared.start(target, []))
        assert error["code"] == "invalid_target"
        assert error["details"] == {"target": target}

    def test_a_module_that_cannot_be_imported_says_why(self, shared):
        error = shared.error(shared.start("broken_module:f", []))
        assert (error["code"], error["details"]) == ("import_failed", {"target": "broken_module:f"})
        assert "no_such_package_at_all" in error["message"]
        assert error["cause"]["type"] == "builtins.ModuleNotFoundError"
        assert "broken_module.py" in error["cause"]["traceback"]

    def test_arguments_that_are_no_array_are_invalid(self, shared):
        assert shared.error(shared.start(ECHO, {"value": 1}))["code"] == "invalid_input"

    def test_an_exception_arrives_with_type_traceback_and_cause(self, shared):
        error = shared.error(shared.start("user_code:fail", ["why"]))
        assert (error["code"], error["type"], error["message"]) == ("exception", "builtins.ValueError", "why")
        assert "in fail" in error["traceback"]
        assert error["retryable"] is False
        assert (error["cause"]["type"], error["cause"]["message"]) == ("builtins.KeyError", "'inner'")

    @pytest.mark.parametrize("target", ["user_code:exit_async", "user_code:exit_sync"])
    def test_an_exit_of_user_code_is_an_error_of_its_call(self, shared, target):
        assert shared.error(shared.start(target, []))["type"] == "builtins.SystemExit"

    def test_an_error_without_a_text_is_still_an_error(self, shared):
        assert "Unprintable" in shared.error(shared.start("user_code:fail_unprintably", []))["type"]

    def test_a_result_that_is_no_data_names_its_place(self, shared):
        error = shared.error(shared.start("user_code:unserializable", []))
        assert error["code"] == "unserializable_result"
        assert error["details"] == {"path": "value.list[1].object"}

    @pytest.mark.parametrize(("target", "lane"), [("user_code:fail", "thread"), ("user_code:fail_asking", "async")])
    def test_g10_an_error_comes_with_what_the_call_has_cost(self, shared, target, lane):
        _, error, info = shared.answer(shared.start(target, ["why"], lm=LM))
        assert error["message"] == "why"
        assert info["lane"] == lane
        assert info["durationMs"] > 0
        asked = lane == "async"
        assert (info["lmCalls"], info["usage"]) == (asked, {"inputTokens": 3, "outputTokens": 5} if asked else None)

    def test_an_error_of_a_call_that_never_started_has_no_info(self, shared):
        for target, deadline_ms in (("nowhere:f", None), ({"program": "nowhere"}, None), (ECHO, now_ms() - 1000)):
            assert shared.answer(shared.start(target, [], deadline_ms=deadline_ms))[2] is None

    def test_calls_run_under_their_own_settings(self, shared):
        found = shared.call("user_code:settings", lm={"name": "default", "config": {}})
        assert found == {"trace": None, "disable_history": True, "callbacks": [], "model": "host"}
        assert shared.call("user_code:settings")["model"] is None


class TestLimits:
    def test_a_result_above_the_hosts_limit_is_an_error_of_its_call(self, small):
        error = small.error(small.start("user_code:large", [4096]))
        assert error["code"] == "result_too_large"
        assert error["details"]["limitBytes"] == 1024
        assert small.call(ECHO, "x" * 512) == "x" * 512

    def test_an_error_fits_the_smallest_limit(self, small):
        error = small.error(small.start("user_code:large_error", [4096]))
        assert (error["code"], error["type"]) == ("exception", "builtins.ValueError")
        assert small.error(small.start("user_code:large_error", [4096, "\U0001f40d"]))["code"] == "exception"

    @pytest.mark.parametrize("target", ["user_code:ask_sync", "user_code:ask_async"])
    def test_a_request_above_the_hosts_limit_is_an_error_of_its_call(self, small, target):
        error = small.error(small.start(target, ["x" * 900], lm=LM))
        assert error["type"] == "dspy.utils.exceptions.LMInvalidRequestError"

    def test_calls_beyond_max_in_flight_are_refused(self, small):
        held = [small.start("user_code:sleep_async", [30]) for _ in range(2)]
        error = small.error(small.start(ECHO, [1]))
        assert (error["code"], error["retryable"]) == ("overloaded", True)
        assert small.ping()["inFlight"] == held
        for call in held:
            small.send(Kind.CANCEL, [call])
            small.error(call)
        assert small.call(ECHO, 1) == 1

    def test_g4_calls_leave_nothing_behind(self, shared):
        shared.put("h", spec())
        for _ in range(5):
            ids = [shared.start(ECHO if n % 2 else ECHO_ASYNC, [n]) for n in range(50)]
            ids += [shared.start({"program": "h"}, {"question": str(n)}, lm=LM) for n in range(50)]
            for call_id in ids:
                shared.value(call_id)
        state = shared.ping()
        assert (state["inFlight"], state["abandoned"], state["abandonedMs"]) == ([], 0, 0)

    def test_g4_a_host_that_does_not_read_costs_no_memory(self, fresh):
        fresh.call(ECHO_ASYNC, 0)
        fresh.pause_reading()
        before = fresh.rss_bytes()
        ids = []
        for _ in range(40):  # 400 MB of results
            ids += [fresh.start("user_code:large_async", [1_000_000]) for _ in range(10)]
            time.sleep(0.02)
        assert fresh.rss_bytes() - before < 200_000_000
        fresh.resume_reading()
        for call in ids:
            fresh.answer(call)  # some are refused: the worker read them all at once, in the end


class TestLogs:
    def test_what_is_printed_arrives_as_logs_and_harms_no_frame(self, shared):
        assert shared.call("user_code:noise") == ""
        expected = [
            ["stdout", "info", "from print"],
            ["stderr", "warn", "to stderr"],
            ["stdout", "info", "from a descriptor"],
            ["stdout", "info", "from C"],
            ["stdout", "info", "from a child"],
            ["stderr", "warn", "child stderr"],
            ["python", "warn", "user: from logging"],
            ["python", "info", "dspy.user: from DSPy's logger"],
        ]
        eventually(lambda: all(line in shared.logs for line in expected))

    def test_g4_a_flood_is_cut_and_counted_while_calls_go_on(self, manual):
        flood = manual.start("user_code:flood", [200_000])
        assert manual.call(ECHO_ASYNC, 1) == 1
        manual.value(flood)
        eventually(lambda: any(line[0] == "python" and "log lines were dropped" in line[2] for line in manual.logs))
        assert len(manual.logs) < 200_000

    def test_a_function_on_the_loop_may_print_more_than_a_pipe_holds(self, manual):
        manual.call("user_code:flood_on_loop", 3_000_000)

    def test_what_was_printed_before_the_end_arrives_before_bye(self, fresh):
        fresh.call("user_code:flood", 3)
        fresh.send(Kind.DRAIN, [])
        assert fresh.wait() == 0
        assert fresh.said_bye()
        assert fresh.kinds[-1] == Kind.BYE
        assert [line[2] for line in fresh.logs] == ["flood 0", "flood 1", "flood 2"]


class TestLiveness:
    def test_pong_tells_lag_load_and_memory(self, shared):
        state = shared.ping()
        assert state["lagMs"] >= 0
        assert state["rssBytes"] > 10_000_000

    def test_stands_back_as_much_as_hello_asks(self):
        with Worker(nice=7) as worker:
            assert worker.call("os:nice", 0) == 7
            assert worker.call("os:nice", 0) == 7  # on whichever thread

    def test_lag_shows_that_the_loop_was_blocked(self, manual):
        manual.start("user_code:block_loop", [0.8])
        time.sleep(0.1)
        assert manual.ping()["lagMs"] > 100

    def test_busy_threads_do_not_stop_the_loop(self, manual):
        call = manual.start("user_code:spin", [0.5])
        assert manual.call(ECHO_ASYNC, 1) == 1
        assert manual.value(call) is None


class TestEnd:
    @pytest.mark.parametrize("how", ["DRAIN", "SIGTERM"])
    def test_drains(self, fresh, how):
        call = fresh.start("user_code:sleep_async", [0.4])
        eventually(lambda: fresh.ping()["inFlight"] != [])
        if how == "DRAIN":
            fresh.send(Kind.DRAIN, [])
        else:
            fresh.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        error = fresh.error(fresh.start(ECHO, [1]))
        assert (error["code"], error["retryable"]) == ("draining", True)
        assert fresh.value(call) == "slept"
        assert fresh.wait() == 0
        assert fresh.said_bye()

    def test_bye_is_the_last_frame_even_where_a_call_follows_drain(self, fresh):
        call = fresh.next_id()
        fresh.write(frame(Kind.DRAIN, []) + frame(Kind.CALL, [call, {"function": ECHO}, [1], None, {}]))
        assert fresh.error(call)["code"] == "draining"
        assert fresh.wait() == 0
        assert fresh.said_bye()
        assert fresh.kinds[-1] == Kind.BYE

    def test_sigterm_before_ready_ends_the_worker_at_once(self, tmp_path):
        code = "import pathlib, time; pathlib.Path(__file__).with_name('begun').touch(); time.sleep(30)"
        (tmp_path / "dspy.py").write_text(code)
        with Worker(greet=False) as worker:
            worker.send(Kind.HELLO, hello(paths=[str(tmp_path)]))
            eventually((tmp_path / "begun").exists)
            worker.process.send_signal(signal.SIGTERM)
            assert worker.wait() == 0
            assert worker.stderr() == ""

    def test_sigint_is_ignored(self, shared):
        shared.process.send_signal(signal.SIGINT)
        assert shared.call(ECHO, 1) == 1

    @pytest.mark.parametrize("target", ["user_code:spin", "user_code:sleep_async", "user_code:block_loop"])
    def test_g6_ends_with_its_input_whatever_runs(self, fresh, target):
        fresh.start(target, [30])
        eventually(lambda: target == "user_code:block_loop" or fresh.ping()["inFlight"] != [])
        before = time.monotonic()
        fresh.close_input()
        assert fresh.wait() == -signal.SIGKILL  # it leads a process group, which it ends, itself included
        assert time.monotonic() - before < 2

    def test_ends_with_its_input_before_hello(self):
        with Worker(greet=False) as worker:
            worker.close_input()
            assert worker.wait() == -signal.SIGKILL

    @pytest.mark.parametrize(
        ("greet", "data"),
        [
            (False, frame(Kind.PING, [1, 1.0])),
            (False, frame(Kind.HELLO, hello(protocol={"min": 2, "max": 3}))),
            (False, frame(Kind.HELLO, hello(maxFrameBytes=10))),
            (False, b"GET / HTTP/1.1\r\n\r\n"),
            (True, frame(Kind.HELLO, hello())),
            (True, frame(Kind.CALL, [0, {}, [], None, {}])),
        ],
        ids=["before HELLO", "no common version", "bad HELLO", "not a frame", "second HELLO", "bad CALL"],
    )
    def test_a_violation_ends_the_worker_with_its_reason(self, greet, data):
        with Worker(greet=greet) as worker:
            worker.write(data)
            assert worker.wait() == 76
            assert worker.stderr().splitlines()[-1].startswith("dspex worker: the host broke the protocol: ")

    def test_an_id_in_use_is_a_violation(self, fresh):
        call = [1, {"function": "user_code:sleep_async"}, [30], None, {}]
        fresh.write(frame(Kind.CALL, call) + frame(Kind.CALL, call))
        assert fresh.wait() == 76

    @pytest.mark.parametrize(
        ("code", "reason"),
        [("__version__ = '3.5.0'", "dspy 3.5.0 is not supported; install dspy >=3.4,<3.5"), ("import no_such_module", "no_such_module")],
    )
    def test_an_unusable_dspy_ends_the_worker_with_the_reason(self, tmp_path, code, reason):
        (tmp_path / "dspy.py").write_text(code)
        with Worker(greet=False) as worker:
            worker.send(Kind.HELLO, hello(paths=[str(tmp_path)]))
            assert worker.wait() == 78
            assert reason in worker.stderr().splitlines()[-1]

    def test_a_python_without_the_requirements_ends_with_the_reason(self):
        command = [sys.executable, "-I", "-S", str(PYTHON / "worker.py")]  # no site-packages
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 78
        assert "msgspec" in done.stderr.splitlines()[-1]

    def test_unknown_kinds_are_skipped(self, shared):
        shared.write(frame(77, {"future": True}))
        assert shared.call(ECHO, 1) == 1
