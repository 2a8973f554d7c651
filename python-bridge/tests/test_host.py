"""What user code may ask of its host: tools, the trace, whether it is still wanted."""

import threading

import pytest
from host import LATER, TESTS, HostFailure, Worker, eventually

from dspex_bridge.messages import Kind

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def tool(payload):
    if payload["name"] == "failing":
        raise HostFailure("ERR_STAGE_FAILED", "no luck", why="rain")
    return {"asked": payload["arguments"]}


@pytest.fixture(scope="module")
def shared():
    with Worker(tool=tool) as worker:
        yield worker


class TestTools:
    @pytest.mark.parametrize("target", ["search", "search_async"])
    def test_both_lanes_call_tools_of_the_host_with_plain_data(self, shared, target):
        assert shared.call(f"host_code:{target}", "why") == {"asked": {"query": "why"}}
        assert shared.requests[-1] == {"name": "search", "arguments": {"query": "why"}}

    def test_a_thread_of_async_code_may_wait(self, shared):
        assert shared.call("host_code:search_in_a_thread") == {"asked": {}}

    def test_an_argument_may_be_called_name(self, shared):
        assert shared.call("host_code:search_with_a_name") == {"asked": {"name": "a tool's own argument"}}

    def test_an_error_of_the_host_is_raised_with_its_code_and_details(self, shared):
        assert shared.call("host_code:failing") == {
            "code": "ERR_STAGE_FAILED",
            "message": "no luck",
            "details": {"why": "rain"},
        }

    def test_a_sync_call_on_the_loop_is_refused_with_the_remedy(self, shared):
        error = shared.error(shared.start("host_code:search_sync_on_the_loop", []))
        assert "acall_tool" in error["message"]

    def test_arguments_that_cannot_be_sent_are_an_error_in_python(self, shared):
        assert shared.error(shared.start("host_code:search_with", ["object"]))["code"] == "unserializable_result"
        error = shared.error(shared.start("host_code:search_with", ["20000000"]))
        assert error["type"] == "dspex_bridge.upcalls.UpcallRefused"

    def test_the_host_can_be_asked_only_inside_of_a_call(self, shared):
        assert shared.call("host_code:outside") == "the host can be asked only inside of one of its calls"


class TestNesting:
    @pytest.mark.parametrize("target", ["descend", "descend_async"])
    def test_calls_inside_of_calls_need_no_free_place(self, target):
        """The host's part: it makes the next call with the depth of the one that asks, and one more."""
        with Worker(threads=1, maxInFlight=1) as worker:

            def answer(payload):
                left = payload["arguments"]["depth"]
                upcall, inner = worker.asking, worker.start(f"host_code:{target}", [left], depth=5 - left)
                threading.Thread(target=lambda: worker.reply(upcall, worker.value(inner))).start()
                return LATER

            worker.tool = answer
            assert worker.call(f"host_code:{target}", 5) == 5
            assert worker.ping()["inFlight"] == []


class TestCancelled:
    def test_g3_a_thread_that_looks_can_end_itself(self, shared):
        call = shared.start("host_code:until_cancelled", [])
        eventually(lambda: call in shared.ping()["inFlight"])
        shared.send(Kind.CANCEL, [call])
        assert shared.error(call)["code"] == "cancelled"
        eventually(lambda: shared.ping()["abandoned"] == 0)


class TestTrace:
    @pytest.mark.parametrize("target", ["traceparent", "traceparent_async"])
    def test_the_trace_of_the_host_is_there_in_its_calls_alone(self, shared, target):
        assert shared.call(f"host_code:{target}", traceparent=TRACEPARENT) == TRACEPARENT
        assert shared.call(f"host_code:{target}") is None

    def test_open_telemetry_continues_it_where_it_is_installed(self, tmp_path):
        """With a package in its place that has the two names which the worker uses, as OpenTelemetry documents them."""
        package = tmp_path / "opentelemetry"
        (package / "trace" / "propagation").mkdir(parents=True)
        for directory in (package, package / "trace", package / "trace" / "propagation"):
            (directory / "__init__.py").touch()
        (package / "context.py").write_text(
            "import contextvars\n"
            "attached = contextvars.ContextVar('attached', default=None)\n"
            "attach = attached.set\n"
        )
        (package / "trace" / "propagation" / "tracecontext.py").write_text(
            "class TraceContextTextMapPropagator:\n"
            "    def extract(self, carrier):\n"
            "        return {'extracted': carrier['traceparent']}\n"
        )
        with Worker(paths=[str(TESTS), str(tmp_path)]) as worker:
            for target in ("attached", "attached_async"):
                assert worker.call(f"host_code:{target}", traceparent=TRACEPARENT) == {"extracted": TRACEPARENT}
                assert worker.call(f"host_code:{target}") is None
