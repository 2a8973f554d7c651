"""Calls of a real worker that end before they are done, on each lane."""

import time

import pytest
from host import Worker, eventually, frame, now_ms

from dspex_bridge.messages import Kind

ECHO = "dspex_bridge.builtins:echo"
ECHO_ASYNC = "dspex_bridge.builtins:echo_async"


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
