"""The user's modules and classes in a real worker: found by path, made once, closed at the end."""

import time

import pytest
from host import Worker, eventually, hello, now_ms

from dspex_bridge.messages import Kind

ECHO = "dspex_bridge.builtins:echo"


@pytest.fixture(scope="module")
def shared():
    with Worker() as worker:
        yield worker


@pytest.fixture
def fresh():
    with Worker() as worker:
        yield worker


class TestClasses:
    def test_a_class_is_made_once_however_many_calls_wait_for_it(self, fresh):
        calls = [fresh.start("resource_code:Counter", [1]) for _ in range(20)]
        calls += [fresh.start("resource_code:Counter.add_async", [1]) for _ in range(20)]
        assert sorted(map(fresh.value, calls)) == list(range(1, 41))
        assert fresh.call("resource_code:happened") == ["Counter made on dspex-import"]

    def test_its_methods_stream(self, shared):
        for method in ("stream", "stream_async"):
            assert shared.stream(f"resource_code:Counter.{method}", [3])[0] == [0, 1, 2]

    def test_what_needs_no_instance_makes_none(self, fresh):
        assert fresh.call("resource_code:Counter.double", 4) == 8
        assert fresh.call("resource_code:Counter.name") == "Counter"
        assert fresh.call("resource_code:happened") == []

    def test_a_class_that_is_not_callable_says_how_to_name_a_method(self, shared):
        error = shared.error(shared.start("resource_code:NotCallable", []))
        assert error["code"] == "invalid_target"
        assert "'resource_code:NotCallable.method'" in error["message"]
        assert shared.call("resource_code:NotCallable.ask") == "asked"

    def test_what_could_not_be_made_is_tried_again_by_the_next_call(self, shared):
        error = shared.error(shared.start("resource_code:Reluctant", []))
        assert (error["code"], error["details"]) == ("import_failed", {"target": "resource_code:Reluctant"})
        assert (error["cause"]["type"], error["cause"]["message"]) == ("builtins.ConnectionError", "not yet")
        assert shared.call("resource_code:Reluctant") == "made"
        assert shared.call("resource_code:happened").count("Reluctant tried") == 2

    def test_a_class_is_made_without_arguments(self, shared):
        error = shared.error(shared.start("resource_code:NeedsArguments", []))
        assert (error["code"], error["cause"]["type"]) == ("import_failed", "builtins.TypeError")

    def test_instances_are_entered_before_their_first_call_and_closed_at_the_end_the_newest_first(self, fresh):
        assert fresh.call("resource_code:Connection.ask") == "asked"
        assert fresh.call("resource_code:happened") == ["Connection entered"]
        assert fresh.call("resource_code:AsyncConnection.ask") is True
        assert fresh.call("resource_code:Closing") == "open"
        assert fresh.call("resource_code:AsyncClosing") == "open"
        fresh.send(Kind.DRAIN, [])
        assert fresh.wait() == 0
        assert fresh.said_bye()
        assert [line[2] for line in fresh.logs if line[0] == "stdout"] == [
            "AsyncClosing closed",
            "Closing closed",
            "AsyncConnection left",
            "Connection left",
        ]
        assert ["python", "error", "dspex: resource_code.Closing could not be closed: ValueError('not in order')"] in fresh.logs


class TestWarmUp:
    def test_a_worker_is_ready_when_what_it_warms_up_is(self):
        with Worker(warmUp=["resource_code:Counter.add_async", "resource_code:Loud"]) as worker:
            assert [kind for kind in worker.kinds if kind != Kind.LOG] == [Kind.READY]
            eventually(lambda: ["stdout", "info", "warming up"] in worker.logs)
            assert worker.call("resource_code:Counter", 1) == 1
            assert worker.call("resource_code:happened") == ["Counter made on dspex-import"]

    @pytest.mark.parametrize(
        ("target", "reason"),
        [
            ("resource_code:Reluctant", "'resource_code:Reluctant' could not be imported: ConnectionError: not yet"),
            ("no_such_module:f", "there is no module 'no_such_module'"),
        ],
    )
    def test_one_that_cannot_warm_up_ends_with_the_reason(self, target, reason):
        with Worker(greet=False) as worker:
            worker.send(Kind.HELLO, hello(warmUp=[target]))
            assert worker.wait() == 78
            told = worker.stderr()
            assert told.splitlines()[-1] == f"dspex worker: it cannot warm up: {reason}"
            assert ("raise ConnectionError" in told) == (target == "resource_code:Reluctant")


class TestImports:
    @pytest.mark.parametrize("module", ["broken_module", "exiting_module"])
    def test_an_import_that_fails_is_typed_and_brings_what_was_raised(self, shared, module):
        error = shared.error(shared.start(f"{module}:f", []))
        assert (error["code"], error["details"]) == ("import_failed", {"target": f"{module}:f"})
        assert f"{module}.py" in error["cause"]["traceback"]

    def test_g4_calls_that_end_while_an_import_hangs_leave_nothing_behind(self, fresh):
        fresh.call("user_code:reset")
        fresh.call("user_code:count_calls")
        late = [fresh.start("hanging_module:answer", [], deadline_ms=now_ms() + 150) for _ in range(200)]
        others = [fresh.start(f"no_such_module_{n}:f", [], deadline_ms=now_ms() + 150) for n in range(8)]
        for call in late + others:
            _, error, info = fresh.answer(call)
            assert (error["code"], info) == ("deadline_exceeded", None)
        assert fresh.call("user_code:count_calls") == 1
        # What is there already is found meanwhile.
        assert fresh.call("user_code:marks_async") == []
        # The one import runs on for nobody, which the host is told; the others have not begun.
        state = fresh.ping()
        assert state["abandoned"] == 1
        assert state["abandonedMs"] > 0

        # It is wanted again: that is no hang.
        wanted = fresh.start("hanging_module:answer", [])
        eventually(lambda: fresh.ping()["abandoned"] == 0)
        fresh.call("user_code:let_go_async")
        assert fresh.value(wanted) == "imported"
        assert fresh.ping()["abandoned"] == 0

    def test_an_import_that_nobody_waits_for_ends_and_is_kept(self, fresh):
        fresh.call("user_code:reset")
        call = fresh.start("hanging_module:answer", [])
        eventually(lambda: fresh.call("user_code:waiting_for_stop") == 1)
        fresh.send(Kind.CANCEL, [call])
        assert fresh.error(call)["code"] == "cancelled"
        assert fresh.ping()["abandoned"] == 1
        fresh.call("user_code:let_go_async")
        eventually(lambda: fresh.ping()["abandoned"] == 0)
        assert fresh.call("hanging_module:answer") == "imported"


class TestDrain:
    def test_code_of_a_cancelled_call_may_clean_up_before_the_worker_leaves(self, fresh):
        call = fresh.start("user_code:clean_up_slowly", [0.3])
        eventually(lambda: "clean_up_slowly" in fresh.call("user_code:marks_async"))
        fresh.send(Kind.CANCEL, [call])
        fresh.send(Kind.DRAIN, [])
        assert fresh.error(call)["code"] == "cancelled"
        before = time.monotonic()
        assert fresh.wait() == 0
        assert time.monotonic() - before > 0.2
        assert ["stdout", "info", "cleaned up"] in fresh.logs
