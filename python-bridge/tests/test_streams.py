"""Streams of a real worker: items of calls, pieces of LM replies, and their credits."""

import time

import pytest
from host import HostFailure, Worker, eventually, fields_reply, now_ms

from dspex_bridge.messages import Kind
from dspex_bridge.pieces import PIECES_AHEAD

COUNT, COUNT_SYNC = "user_code:count", "user_code:count_sync"
BOTH = pytest.mark.parametrize("target", [COUNT, COUNT_SYNC], ids=["async", "sync"])
LM = {"name": "default", "config": {}}


def field(name, kind="str"):
    return {"name": name, "type": {"kind": kind}, "desc": None}


def spec(*outputs, module="Predict"):
    signature = {"instructions": None, "inputs": [field("question")], "outputs": list(outputs) or [field("answer")]}
    return {"module": module, "signature": signature}


def start_event():
    return {"type": "start", "model": "scripted"}


def text_event(text):
    return {"type": "delta", "delta": {"type": "text", "text": text, "part_index": 0}}


def end_event():
    return {"type": "end", "finish_reason": "stop", "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}}


def events(*texts):
    """The pieces of a reply that arrives in these texts."""
    return [start_event(), *map(text_event, texts), end_event()]


def joined(items):
    """The text of each field, in the order in which the fields began."""
    texts = {}
    for item in items:
        texts[item["field"]] = texts.get(item["field"], "") + item["delta"]
    return texts


@pytest.fixture(scope="module")
def shared():
    with Worker(threads=2) as worker:
        worker.put("qa", spec())
        worker.put("cot", spec(module="ChainOfThought"))
        worker.put("mixed", spec(field("answer"), field("score", "float"), field("note")))
        worker.put("count", spec(field("count", "int")))
        yield worker


@pytest.fixture
def worker(shared):
    """A worker whose LM requests wait for the test, unless it sets an LM."""
    shared.call("user_code:reset")
    for behind in (shared.credits, shared.upcancels):
        while not behind.empty():
            behind.get()
    yield shared
    shared.lm = None
    assert shared.ping()["inFlight"] == []


def cancel(worker, call):
    worker.send(Kind.CANCEL, [call])
    assert worker.error(call)["code"] == "cancelled"


class TestFunctions:
    @BOTH
    def test_a_generator_sends_what_it_yields_in_order_and_then_ends(self, worker, target):
        items, (outcome, value, info) = worker.stream(target, [500])
        assert items == list(range(500))
        assert (outcome, value) == ("result", None)
        assert info["lane"] == ("async" if target == COUNT else "thread")

    @BOTH
    def test_an_error_follows_the_items_before_it(self, worker, target):
        items, (outcome, error, _) = worker.stream(target, [20, True])
        assert items == list(range(20))
        assert (outcome, error["type"], error["message"]) == ("error", "builtins.ValueError", "after the last")

    @BOTH
    def test_an_empty_stream_only_ends(self, worker, target):
        assert worker.stream(target, [0])[:1] == ([],)

    @BOTH
    def test_g4_a_producer_is_never_further_than_its_credits(self, worker, target):
        call = worker.start(target, [1000], credits=8)
        for allowed in (8, 9, 40):
            eventually(lambda allowed=allowed: len(worker.items[call]) == allowed)
            for _ in range(3):
                assert worker.ping()["inFlight"] == [call]
            # One more than was sent is made, and waits.
            assert worker.call("user_code:count_produced") == allowed + 1
            assert len(worker.items[call]) == allowed
            worker.send(Kind.CREDIT, [call, {8: 1, 9: 31, 40: 1}[allowed]])
        cancel(worker, call)

    @BOTH
    def test_the_end_needs_no_credit(self, worker, target):
        assert worker.stream(target, [3], credits=3)[1][0] == "result"

    def test_g4_a_slow_reader_costs_no_memory(self, worker):
        worker.call("user_code:count_produced")
        before = worker.rss_bytes()
        call = worker.start("user_code:chunks", [10_000, 1_000_000], credits=4)
        eventually(lambda: len(worker.items[call]) == 4)
        for granted in range(5, 25):
            worker.send(Kind.CREDIT, [call, 1])
            eventually(lambda granted=granted: len(worker.items[call]) == granted)
        assert worker.rss_bytes() - before < 30_000_000
        cancel(worker, call)

    @pytest.mark.parametrize("end", ["cancelled", "deadline_exceeded"])
    @pytest.mark.parametrize(
        ("target", "arguments", "credits"),
        [(COUNT, [1000], 5), (COUNT_SYNC, [1000], 5), ("user_code:wait_for_more", [], 5)],
        ids=["waits for credit", "waits for credit on a thread", "waits for something else"],
    )
    def test_g3_ending_a_call_closes_its_generator(self, worker, target, arguments, credits, end):
        deadline = now_ms() + 500 if end == "deadline_exceeded" else None
        call = worker.start(target, arguments, credits=credits, deadline_ms=deadline)
        sent = 1 if target == "user_code:wait_for_more" else credits
        eventually(lambda: len(worker.items[call]) == sent)
        if end == "cancelled":
            worker.send(Kind.CANCEL, [call])
        assert worker.error(call)["code"] == end
        name = target.partition(":")[2]
        eventually(lambda: f"{name} closed" in worker.call("user_code:marks"))
        eventually(lambda: worker.ping()["abandoned"] == 0)
        worker.send(Kind.CREDIT, [call, 10])  # was on its way
        assert worker.ping()["inFlight"] == []
        assert len(worker.items[call]) == sent

    def test_g3_closes_an_async_generator_within_200_ms(self, worker):
        call = worker.start("user_code:wait_for_more", [], credits=5)
        eventually(lambda: worker.items[call])
        before = time.monotonic()
        cancel(worker, call)
        eventually(lambda: "wait_for_more closed" in worker.call("user_code:marks"))
        assert time.monotonic() - before < 0.2

    def test_g3_a_generator_that_ignores_its_cancellation_ends_with_its_next_item(self, worker):
        call = worker.start("user_code:stubborn_stream", [], credits=5)
        eventually(lambda: worker.items[call])
        cancel(worker, call)
        eventually(lambda: worker.ping()["abandoned"] == 0)

    @BOTH
    def test_a_generator_without_a_stream_is_an_invalid_target(self, worker, target):
        error = worker.error(worker.start(target, [3]))
        assert error["code"] == "invalid_target"
        assert "generator" in error["message"]

    @pytest.mark.parametrize("target", ["dspex_bridge.builtins:echo", "dspex_bridge.builtins:echo_async"])
    def test_another_function_answers_as_it_does_without_a_stream(self, worker, target):
        items, (outcome, value, _) = worker.stream(target, ["a"])
        assert (items, outcome, value) == ([], "result", "a")

    def test_an_item_that_is_no_data_ends_the_stream(self, worker):
        items, (_, error, _) = worker.stream("user_code:odd_items", ["object"])
        assert (items, error["code"]) == ([1], "unserializable_result")

    def test_an_item_above_the_hosts_limit_ends_the_stream(self):
        with Worker(maxFrameBytes=1024) as small:
            items, (_, error, _) = small.stream("user_code:odd_items", ["large"])
            assert (items, error["code"]) == ([1], "result_too_large")
            assert error["details"]["limitBytes"] == 1024


class TestPrograms:
    TEXT = ("[[ ##", " answer", " ## ]]\n", "It ", "is ", "forty-two", ".\n\n", "[[ ## comp", "leted ## ]]")

    def test_text_fields_arrive_in_pieces(self, worker):
        worker.lm = lambda _: events(*self.TEXT)
        items, (_, value, info) = worker.stream({"program": "qa"}, {"question": "?"}, lm=LM)
        assert value == {"answer": "It is forty-two."}
        assert joined(items) == value
        assert len(items) >= 3
        assert (info["lmCalls"], info["usage"]) == (1, {"inputTokens": 3, "outputTokens": 5})

    def test_each_field_has_its_pieces_in_the_order_of_the_reply(self, worker):
        worker.lm = lambda _: events(
            "[[ ## reasoning ## ]]", "\nFirst, ", "this.", "\n\n[[ ## answer ## ]]\n", "Then ", "that."
        )
        items, (_, value, _) = worker.stream({"program": "cot"}, {"question": "?"}, lm=LM)
        assert value == {"reasoning": "First, this.", "answer": "Then that."}
        assert joined(items) == value
        assert [*joined(items)] == ["reasoning", "answer"]

    def test_fields_of_other_types_arrive_with_the_result(self, worker):
        worker.lm = lambda _: fields_events(answer="yes", score="0.5", note="none")
        items, (_, value, _) = worker.stream({"program": "mixed"}, {"question": "?"}, lm=LM)
        assert value == {"answer": "yes", "score": 0.5, "note": "none"}
        assert joined(items) == {"answer": "yes", "note": "none"}

    def test_a_program_without_text_fields_only_ends(self, worker):
        worker.lm = lambda payload: fields_reply(count="3") if "stream" not in payload else []
        items, (_, value, _) = worker.stream({"program": "count"}, {"question": "?"}, lm=LM)
        assert (items, value) == ([], {"count": 3})

    def test_a_whole_field_in_one_piece_still_arrives(self, worker):
        worker.lm = lambda _: events("[[ ## reasoning ## ]]\nbecause\n\n[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]")
        items, (_, value, _) = worker.stream({"program": "cot"}, {"question": "?"}, lm=LM)
        assert joined(items) == value == {"reasoning": "because", "answer": "yes"}

    def test_an_endpoint_that_cannot_stream_answers_at_once(self, worker):
        worker.lm = lambda _: fields_reply(reasoning="because", answer="yes")
        items, (_, value, info) = worker.stream({"program": "cot"}, {"question": "?"}, lm=LM)
        assert joined(items) == value == {"reasoning": "because", "answer": "yes"}
        assert (info["lmCalls"], info["usage"]) == (1, {"inputTokens": 3, "outputTokens": 5})

    def test_a_call_that_is_no_stream_asks_for_none(self, worker):
        worker.lm = lambda payload: fields_reply(answer=str("stream" in payload))
        assert worker.run("qa", {"question": "?"})[0] == {"answer": "False"}

    def test_g4_a_reader_that_takes_nothing_stops_the_lm(self, worker):
        call = worker.start({"program": "qa"}, {"question": "?"}, lm=LM, credits=2)
        upcall, asked, _, payload = worker.upcalls.get(timeout=10)
        assert (asked, payload["stream"]) == (call, {"credits": PIECES_AHEAD})
        pieces = [start_event(), text_event("[[ ## answer ## ]]"), *(text_event(f" {n}") for n in range(PIECES_AHEAD - 2))]
        for piece in pieces:
            worker.send(Kind.STREAM, [upcall, piece])
        eventually(lambda: len(worker.items[call]) == 2)
        assert worker.ping()["inFlight"] == [call]
        assert worker.credits.empty()
        worker.send(Kind.CREDIT, [call, 1000])
        assert worker.credits.get(timeout=10) == (upcall, PIECES_AHEAD // 2)
        worker.send(Kind.STREAM, [upcall, end_event()])
        worker.reply(upcall, None)
        assert joined(worker.items[call] if worker.value(call) else []) == {
            "answer": " ".join(str(n) for n in range(PIECES_AHEAD - 2))
        }

    def test_a_request_that_fails_before_its_reply_is_an_lm_error(self, worker):
        def failing(_):
            raise HostFailure("ERR_LM_FAILED", "down", lm="LMServerError")

        worker.lm = failing
        items, (_, error, _) = worker.stream({"program": "qa"}, {"question": "?"}, lm=LM)
        assert (items, error["type"]) == ([], "dspy.utils.exceptions.LMServerError")

    def test_an_error_amid_a_reply_follows_its_pieces(self, worker):
        call = worker.start({"program": "qa"}, {"question": "?"}, lm=LM, credits=100)
        upcall = worker.upcalls.get(timeout=10)[0]
        for piece in events("[[ ## answer ## ]]", " one", " two")[:-1]:
            worker.send(Kind.STREAM, [upcall, piece])
        eventually(lambda: len(worker.items[call]) == 2)
        worker.send(Kind.UPRESULT, [upcall, False, {"code": "ERR_LM", "message": "cut", "details": {"lm": "LMTransportError"}}])
        assert worker.error(call)["type"] == "dspy.utils.exceptions.LMTransportError"
        assert joined(worker.items[call]) == {"answer": "one two"}

    @pytest.mark.parametrize("pieces", [[], [start_event()], [text_event("a")], [{"type": "x"}], ["x"]])
    def test_a_stream_that_is_none_is_an_error_of_its_call(self, worker, pieces):
        worker.lm = lambda _: pieces
        _, (outcome, error, _) = worker.stream({"program": "qa"}, {"question": "?"}, lm=LM)
        assert outcome == "error"
        assert error["type"].startswith("dspy.utils.exceptions.LM")

    def test_g3_cancelling_a_stream_cancels_its_request(self, worker):
        call = worker.start({"program": "qa"}, {"question": "?"}, lm=LM, credits=100)
        upcall = worker.upcalls.get(timeout=10)[0]
        for piece in events("[[ ## answer ## ]]", " one")[:-1]:
            worker.send(Kind.STREAM, [upcall, piece])
        eventually(lambda: worker.items[call])
        worker.send(Kind.CANCEL, [call])
        assert worker.upcancels.get(timeout=10) == upcall
        assert worker.error(call)["code"] == "cancelled"
        worker.send(Kind.STREAM, [upcall, text_event(" late")])  # was on its way
        worker.reply(upcall, None)
        eventually(lambda: worker.ping()["abandoned"] == 0)
        assert len(worker.items[call]) == 1

    def test_garbage_is_an_error_once_it_has_begun_to_arrive(self, worker):
        worker.lm = lambda _: events("gar", "bage")
        items, (_, error, _) = worker.stream({"program": "qa"}, {"question": "?"}, lm=LM)
        assert (items, error["type"]) == ([], "dspy.utils.exceptions.AdapterParseError")
        assert worker.requests[-1]["stream"]


def test_streams_by_public_names_alone():
    with Worker(seams={"serde": False, "fast_lm": False}) as worker:
        worker.put("qa", spec())
        for reply in (events(*TestPrograms.TEXT), fields_reply(answer="It is forty-two.")):
            worker.lm = lambda _, reply=reply: reply
            items, (_, value, info) = worker.stream({"program": "qa"}, {"question": "?"}, lm=LM)
            assert joined(items) == value == {"answer": "It is forty-two."}
            assert info["usage"] == {"inputTokens": 3, "outputTokens": 5}


class TestUserCode:
    @pytest.mark.parametrize("is_async", [True, False])
    def test_streamify_streams_through_the_host(self, worker, is_async):
        worker.lm = lambda _: events(*TestPrograms.TEXT)
        *chunks, answer = worker.call("user_code:stream_program", "?", is_async, lm=LM)
        assert "".join(chunks) == answer == "It is forty-two."
        assert len(chunks) >= 3

    @pytest.mark.parametrize("is_async", [True, False])
    def test_streamify_works_where_the_host_answers_at_once(self, worker, is_async):
        worker.lm = lambda _: fields_reply(answer="yes")
        *chunks, answer = worker.call("user_code:stream_program", "?", is_async, lm=LM)
        assert "".join(chunks) == answer == "yes"


class TestViolations:
    def test_more_pieces_than_credits(self):
        with Worker() as worker:
            worker.put("qa", spec())
            worker.start({"program": "qa"}, {"question": "?"}, lm=LM, credits=1)
            upcall = worker.upcalls.get(timeout=10)[0]
            worker.send(Kind.STREAM, [upcall, start_event()])
            worker.send(Kind.STREAM, [upcall, text_event("[[ ## answer ## ]]")])
            for _ in range(PIECES_AHEAD + PIECES_AHEAD // 2):
                worker.send(Kind.STREAM, [upcall, text_event(" more")])
            assert worker.wait() == 76
            assert "beyond its credits" in worker.stderr()

    def test_a_piece_for_a_request_that_is_no_stream(self):
        with Worker() as worker:
            worker.put("qa", spec())
            worker.start({"program": "qa"}, {"question": "?"}, lm=LM)
            worker.send(Kind.STREAM, [worker.upcalls.get(timeout=10)[0], start_event()])
            assert worker.wait() == 76


def fields_events(**fields):
    """A reply in the chat adapter's form, one word at a time."""
    text = fields_reply(**fields)["message"]["parts"][0]["text"]
    return events(*(f"{word} " for word in text.split(" ")))
