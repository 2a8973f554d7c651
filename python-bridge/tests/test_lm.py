"""Programs of a real worker, and the language models of its host."""

import pytest
from host import LM, HostFailure, answering, eventually, field, fields_reply, lm_reply, spec

from dspex_bridge.messages import Kind

ECHO = "dspex_bridge.builtins:echo"


@pytest.fixture
def scripted(shared):
    """The shared worker, with an LM that the test sets."""
    yield shared
    shared.lm = answering


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

    @pytest.mark.parametrize("config", [{"n": "two"}, {"n": []}, {"seed": "odd"}], ids=str)
    def test_g1_a_parameter_of_no_sense_is_an_answer_of_its_call(self, shared, config):
        shared.put("predict", spec())
        call = shared.start({"program": "predict"}, {"question": "?"}, lm={"name": "default", "config": config})
        after = shared.start(ECHO, [1])
        shared.answer(call)
        assert shared.value(after) == 1

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
