"""A real worker process over real pipes."""

import signal
import subprocess
import sys
import time

import pytest
from host import PYTHON, HostFailure, Worker, eventually, fields_reply, frame, hello, lm_reply, now_ms

from dspex_bridge.messages import Kind

ECHO = "dspex_bridge.builtins:echo"
ECHO_ASYNC = "dspex_bridge.builtins:echo_async"


def field(name, kind="str", **node):
    return {"name": name, "type": {"kind": kind, **node}, "desc": None}


def spec(module="Predict", inputs=(field("question"),), outputs=(field("answer"),), instructions=None):
    return {
        "module": module,
        "signature": {"instructions": instructions, "inputs": list(inputs), "outputs": list(outputs)},
    }


LM = {"name": "default", "config": {}}


def answering(payload):
    """An LM that answers every question with what was asked."""
    text = payload["request"]["messages"][-1]["parts"][0]["text"]
    return fields_reply(reasoning="because", answer=text.split("\n")[1])


@pytest.fixture(scope="module")
def shared():
    """One worker for the tests that leave nothing behind in it."""
    with Worker(lm=answering) as worker:
        yield worker


@pytest.fixture(scope="module")
def manual_worker():
    with Worker() as worker:
        yield worker


@pytest.fixture
def manual(manual_worker):
    """A worker whose LM requests wait for the test."""
    manual_worker.call("user_code:reset")
    manual_worker.logs.clear()
    return manual_worker


@pytest.fixture(scope="module")
def single_worker():
    with Worker(threads=1) as worker:
        yield worker


@pytest.fixture
def single(single_worker):
    """The same, with one thread."""
    single_worker.call("user_code:reset")
    return single_worker


@pytest.fixture(scope="module")
def small():
    """A worker whose host takes little, and few calls."""
    with Worker(maxFrameBytes=1024, maxInFlight=2) as worker:
        yield worker


@pytest.fixture
def fresh():
    """A worker of the test's own, to end."""
    with Worker() as worker:
        yield worker


@pytest.fixture
def scripted(shared):
    """The shared worker, with an LM that the test sets."""
    yield shared
    shared.lm = answering


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


class TestDeadlines:
    def test_g2_a_call_whose_deadline_passed_never_runs(self, manual):
        for target in ("user_code:mark", "user_code:sleep_async"):
            error = manual.error(manual.start(target, [0], deadline_ms=now_ms() - 1000))
            assert error["code"] == "deadline_exceeded"
        assert manual.call("user_code:marks") == []

    @pytest.mark.parametrize("end", ["deadline_exceeded", "cancelled"])
    def test_g2_a_call_that_waits_for_a_thread_too_long_never_runs(self, single, end):
        busy = single.start("user_code:wait_for_stop", [])
        late = single.start("user_code:mark", ["late"], deadline_ms=now_ms() + 100 if end != "cancelled" else None)
        if end == "cancelled":
            single.send(Kind.CANCEL, [late])
        assert single.error(late)["code"] == end
        assert single.ping()["abandoned"] == 0
        single.call("user_code:let_go_async")  # on the loop: the only thread is busy
        assert single.value(busy) == "late"
        assert single.call("user_code:marks") == []

    @pytest.mark.parametrize("end", ["deadline_exceeded", "cancelled"])
    def test_g4_calls_that_end_while_every_thread_hangs_leave_nothing_behind(self, manual, end):
        hanging = [manual.start("user_code:wait_for_stop", []) for _ in range(4)]
        eventually(lambda: manual.call("user_code:waiting_for_stop") == 4)
        deadline_ms = now_ms() + 300 if end != "cancelled" else None
        ended = [manual.start("user_code:mark", ["ended"], deadline_ms=deadline_ms) for _ in range(200)]
        for call in ended:
            if end == "cancelled":
                manual.send(Kind.CANCEL, [call])
            _, error, info = manual.answer(call)
            assert (error["code"], info) == (end, None)
        assert manual.call("user_code:count_calls") == 4 + 1
        assert manual.ping()["abandoned"] == 0
        for call in hanging:
            manual.send(Kind.CANCEL, [call])
            assert manual.answer(call)[2]["lane"] == "thread"
        assert manual.ping()["abandoned"] == 4
        manual.call("user_code:let_go_async")
        eventually(lambda: manual.ping()["abandoned"] == 0)
        assert manual.call("user_code:marks_async") == []

    @pytest.mark.parametrize("end", ["deadline_exceeded", "cancelled"])
    def test_g3_ending_a_call_cancels_its_task(self, manual, end):
        call = manual.start("user_code:sleep_async", [30], deadline_ms=now_ms() + 300 if end != "cancelled" else None)
        eventually(lambda: "sleep_async" in manual.call("user_code:marks"))
        if end == "cancelled":
            manual.send(Kind.CANCEL, [call])
        assert manual.error(call)["code"] == end
        eventually(lambda: "sleep_async cancelled" in manual.call("user_code:marks"))
        eventually(lambda: manual.ping()["abandoned"] == 0)

    @pytest.mark.parametrize("end", ["deadline_exceeded", "cancelled"])
    def test_g1_a_call_on_a_thread_is_answered_once_and_at_once(self, manual, end):
        manual.call("user_code:marks")
        call = manual.start("user_code:wait_for_stop", [], deadline_ms=now_ms() + 300 if end != "cancelled" else None)
        if end == "cancelled":
            eventually(lambda: manual.ping()["inFlight"] != [])
            time.sleep(0.05)  # it is on its thread by then
            manual.send(Kind.CANCEL, [call])
        assert manual.error(call)["code"] == end
        state = manual.ping()
        assert (state["inFlight"], state["abandoned"]) == ([], 1)
        manual.call("user_code:let_go")
        eventually(lambda: manual.ping()["abandoned"] == 0)
        assert manual.answers[call].empty()

    def test_g1_a_task_that_ignores_its_cancellation_is_answered_all_the_same(self, manual):
        call = manual.start("user_code:stubborn", [0.5])
        eventually(lambda: manual.ping()["inFlight"] != [])
        manual.send(Kind.CANCEL, [call])
        assert manual.error(call)["code"] == "cancelled"
        eventually(lambda: manual.ping()["abandoned"] == 0)
        assert manual.answers[call].empty()

    def test_g1_a_task_that_is_cancelled_before_its_first_step_leaves_nothing_behind(self, manual):
        manual.call(ECHO_ASYNC, 1)
        for _ in range(20):
            call = manual.next_id()
            manual.write(
                frame(Kind.CALL, [call, {"function": ECHO_ASYNC}, [1], None, {}]) + frame(Kind.CANCEL, [call])
            )
            assert manual.error(call)["code"] == "cancelled"
        assert manual.ping()["abandoned"] == 0

    def test_cancelling_an_answered_call_changes_nothing(self, shared):
        call = shared.start(ECHO_ASYNC, [1])
        assert shared.value(call) == 1
        shared.send(Kind.CANCEL, [call])
        assert shared.call(ECHO_ASYNC, 2) == 2

    def test_the_hosts_clock_may_have_any_origin(self):
        shift = -1e9
        with Worker(monotonicMs=now_ms() + shift) as worker:
            assert worker.call(ECHO, 1, deadline_ms=now_ms() + shift + 5_000) == 1
            call = worker.start(ECHO, [1], deadline_ms=now_ms() + shift - 5_000)
            assert worker.error(call)["code"] == "deadline_exceeded"


class TestPrograms:
    def test_predict_answers_with_its_output_fields(self, shared):
        shared.put("predict", spec())
        value, info = shared.run("predict", {"question": "why"})
        assert value == {"answer": "why"}
        assert (info["lane"], info["lmCalls"]) == ("async", 1)
        assert info["usage"] == {"inputTokens": 3, "outputTokens": 5}
        assert "adapterFallback" not in info

    def test_chain_of_thought_adds_its_reasoning(self, shared):
        shared.put("cot", spec("ChainOfThought"))
        assert shared.run("cot", {"question": "why"})[0] == {"reasoning": "because", "answer": "why"}

    def test_typed_outputs_are_parsed(self, scripted):
        outputs = [field("count", "int"), field("kind", "literal", values=["a", "b"]), field("tags", "list", item={"kind": "str"})]
        scripted.lm = lambda _: fields_reply(count="3", kind="a", tags='["x"]')
        scripted.put("typed", spec(outputs=outputs))
        assert scripted.run("typed", {"question": "why"})[0] == {"count": 3, "kind": "a", "tags": ["x"]}

    def test_the_request_names_the_endpoint_and_carries_the_parameters(self, shared):
        shared.put("predict", spec(instructions="Answer."))
        shared.run("predict", {"question": "why"}, lm={"name": "cheap", "config": {"temperature": 0.25, "max_tokens": 9}})
        payload = shared.requests[-1]
        assert payload["endpoint"] == "cheap"
        assert payload["request"]["config"] == {"temperature": 0.25, "max_tokens": 9}
        assert payload["request"]["model"] == "host"

    def test_a_parameter_that_steers_dspy_itself_is_refused(self, shared):
        shared.put("predict", spec())
        for config in ({"engine": "auto"}, {"cache": True}, {"api_key": "k"}):
            call = shared.start({"program": "predict"}, {"question": "?"}, lm={"name": "default", "config": config})
            assert shared.error(call)["code"] == "invalid_input"

    def test_g10_says_that_the_json_adapter_had_to_help(self, scripted):
        replies = iter(["garbage", '{"answer": "second"}'])
        scripted.lm = lambda _: lm_reply(next(replies))
        scripted.put("predict", spec())
        value, info = scripted.run("predict", {"question": "why"})
        assert value == {"answer": "second"}
        assert (info["lmCalls"], info["adapterFallback"]) == (2, True)
        assert info["usage"] == {"inputTokens": 6, "outputTokens": 10}

    def test_a_spec_that_was_never_put_is_unknown(self, shared):
        error = shared.error(shared.start({"program": "never"}, {}, lm=LM))
        assert (error["code"], error["details"]) == ("unknown_spec", {"hash": "never"})

    def test_an_invalid_spec_is_said_to_its_calls(self, shared):
        shared.put("bad", spec(inputs=[field("lm")]))
        error = shared.error(shared.start({"program": "bad"}, {}, lm=LM))
        assert (error["code"], error["details"]) == ("invalid_spec", {"path": "signature.inputs[0].name"})

    def test_an_invalid_input_names_its_field(self, shared):
        shared.put("predict", spec())
        for given in ({}, {"question": 3}, {"question": "?", "other": 1}):
            error = shared.error(shared.start({"program": "predict"}, given, lm=LM))
            assert error["code"] == "invalid_input"
            assert error["details"]["field"] in ("question", "other")


class TestLanguageModels:
    def test_both_lanes_ask_the_host(self, shared):
        for target in ("user_code:ask_sync", "user_code:ask_async"):
            outcome, value, info = shared.answer(shared.start(target, ["why"], lm=LM))
            assert (outcome, value, info["lmCalls"]) == ("result", "why", 1)
            assert info["usage"] == {"inputTokens": 3, "outputTokens": 5}

    def test_threads_that_dspy_starts_ask_for_the_same_call(self, shared):
        outcome, value, info = shared.answer(shared.start("user_code:ask_in_parallel", [["a", "b", "c"]], lm=LM))
        assert (outcome, value) == ("result", ["a", "b", "c"])
        assert info["lmCalls"] == 3

    def test_a_copy_of_the_lm_still_reaches_the_host(self, shared):
        assert shared.call("user_code:deep_copy", lm=LM) == "copied?"

    def test_a_plain_prompt_reaches_the_host(self, shared):
        assert shared.call("user_code:raw_prompt", "a\nb", lm=LM)[0].startswith("[[ ## reasoning")

    def test_calls_answer_in_any_order_while_others_wait_for_the_host(self, manual):
        manual.put("predict", spec())
        calls = [manual.start({"program": "predict"}, {"question": str(n)}, lm=LM) for n in range(3)]
        upcalls = {upcall[1]: upcall[0] for upcall in (manual.upcalls.get(timeout=10) for _ in calls)}
        assert manual.call(ECHO, 1) == 1
        for call in reversed(calls):
            manual.reply(upcalls[call], fields_reply(answer=f"to {call}"))
            assert manual.value(call) == {"answer": f"to {call}"}

    def test_a_sync_call_on_the_loop_is_refused_with_the_remedy(self, shared):
        error = shared.error(shared.start("user_code:ask_sync_on_loop", ["why"], lm=LM))
        assert "acall" in error["message"]

    def test_an_error_of_the_host_is_the_lm_error_that_it_names(self, scripted):
        def limited(_):
            raise HostFailure("ERR_LM_FAILED", "slow down", lm="LMRateLimitError", retryAfterMs=1500, status=429)

        scripted.lm = limited
        assert scripted.call("user_code:lm_failure", "?", lm=LM) == {
            "type": "LMRateLimitError",
            "text": "[host] slow down",
            "retry_after": 1.5,
            "status": 429,
            "provider_code": "ERR_LM_FAILED",
        }
        scripted.put("predict", spec())
        error = scripted.error(scripted.start({"program": "predict"}, {"question": "?"}, lm=LM))
        assert (error["code"], error["retryable"]) == ("exception", True)
        assert error["type"] == "dspy.utils.exceptions.LMRateLimitError"
        assert error["details"]["providerCode"] == "ERR_LM_FAILED"
        assert error["details"]["retryAfterMs"] == 1500

    @pytest.mark.parametrize("name", [None, "NoSuchError", "LM", "Predict", 7])
    def test_an_error_that_names_no_lm_error_is_unexpected(self, scripted, name):
        def failing(_):
            raise HostFailure("ERR_X", "no", **({} if name is None else {"lm": name}))

        scripted.lm = failing
        scripted.put("predict", spec())
        error = scripted.error(scripted.start({"program": "predict"}, {"question": "?"}, lm=LM))
        assert (error["type"], error["retryable"]) == ("dspy.utils.exceptions.LMUnexpectedError", False)

    def test_a_reply_that_is_no_response_is_an_error_of_its_call(self, scripted):
        scripted.lm = lambda _: {"model": "m"}
        scripted.put("predict", spec())
        error = scripted.error(scripted.start({"program": "predict"}, {"question": "?"}, lm=LM))
        assert error["type"] == "dspy.utils.exceptions.LMUnexpectedError"

    def test_g3_cancelling_a_program_cancels_its_request(self, manual):
        manual.put("predict", spec())
        call = manual.start({"program": "predict"}, {"question": "?"}, lm=LM)
        upcall = manual.upcalls.get(timeout=10)
        manual.send(Kind.CANCEL, [call])
        assert manual.upcancels.get(timeout=10) == upcall[0]
        assert manual.error(call)["code"] == "cancelled"
        manual.reply(upcall[0], fields_reply(answer="late"))
        assert manual.call(ECHO, 1) == 1
        assert manual.answers[call].empty()

    def test_g3_cancelling_a_thread_that_waits_for_the_host_frees_it(self, single):
        call = single.start("user_code:swallow", ["?"], lm=LM)
        upcall = single.upcalls.get(timeout=10)
        single.send(Kind.CANCEL, [call])
        assert single.upcancels.get(timeout=10) == upcall[0]
        assert single.error(call)["code"] == "cancelled"
        assert single.call("user_code:marks") == ["swallow ended"]

    @pytest.mark.parametrize("outcome", ["result", "error"])
    @pytest.mark.parametrize("target", ["user_code:leave_task", "user_code:leave_thread"])
    def test_a_request_that_a_call_leaves_behind_ends_with_it(self, manual, target, outcome):
        call = manual.start(target, ["?", outcome == "error"], lm=LM)
        upcall = manual.upcalls.get(timeout=10)
        manual.call("user_code:let_go_async")
        assert manual.answer(call)[0] == outcome
        assert manual.upcancels.get(timeout=10) == upcall[0]
        eventually(lambda: "left behind, ended" in manual.call("user_code:marks"))

    def test_programs_on_the_loop_take_no_threads(self, manual):
        manual.put("predict", spec())
        call = manual.start({"program": "predict"}, {"question": "?"}, lm=LM)
        manual.reply(manual.upcalls.get(timeout=10)[0], fields_reply(answer="yes"))
        assert manual.value(call) == {"answer": "yes"}
        names = manual.call("user_code:thread_names")
        assert not [name for name in names if name.startswith("asyncio")]

    def test_an_lm_without_a_call_is_refused(self, shared):
        shared.put("predict", spec())
        error = shared.error(shared.start({"program": "predict"}, {"question": "?"}))
        assert "No LM is loaded" in error["message"]


class TestLiveness:
    def test_pong_tells_lag_load_and_memory(self, shared):
        state = shared.ping()
        assert state["lagMs"] >= 0
        assert state["rssBytes"] > 10_000_000

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
