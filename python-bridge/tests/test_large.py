"""Large messages of a real worker, which leave in chunks."""

import time

import pytest
from host import CODECS, Worker, eventually

from dspex_bridge.kinds import Kind

LARGE = 6_000_000


@pytest.fixture(params=CODECS)
def worker(request):
    with Worker(codec=request.param, capabilities=["chunks"], maxFrameBytes=16_000_000) as worker:
        yield worker


def unread(worker: Worker, call: int) -> None:
    """Waits until the worker has more to send than the pipe takes."""
    time.sleep(0.3)
    assert worker.answers[call].empty()


def test_g1_an_answer_that_is_not_sent_whole_is_in_flight(worker):
    worker.call("dspex_bridge.builtins:echo", 1)
    worker.pause_reading()
    call = worker.start("flood_code:large", [LARGE])
    unread(worker, call)
    worker.send(Kind.PING, [worker.next_id(), 0.0])
    time.sleep(0.1)
    worker.resume_reading()
    _, state = worker.pongs.get(timeout=10)
    assert worker.value(call) == b"\1" * LARGE
    assert worker.kinds.index(Kind.PONG) < len(worker.kinds) - 1 - worker.kinds[::-1].index(Kind.RESULT)
    assert state["inFlight"] == [call]


def test_a_draining_worker_sends_all_of_a_large_answer_before_it_leaves(worker):
    worker.call("dspex_bridge.builtins:echo", 1)
    worker.pause_reading()
    call = worker.start("flood_code:large", [LARGE])
    unread(worker, call)
    worker.send(Kind.DRAIN, [])
    worker.resume_reading()
    assert worker.value(call) == b"\1" * LARGE
    assert worker.wait() == 0
    assert worker.said_bye()
    assert worker.kinds[-1] == Kind.BYE


def test_g3_a_cancelled_call_is_answered_at_once_though_a_large_item_is_on_its_way(worker):
    worker.call("dspex_bridge.builtins:echo", 1)
    worker.pause_reading()
    call = worker.start("flood_code:items", [LARGE], credits=100)
    unread(worker, call)
    worker.send(Kind.CANCEL, [call])
    time.sleep(0.1)
    worker.resume_reading()
    assert worker.error(call)["code"] == "cancelled"
    assert worker.items[call] == []
    eventually(lambda: worker.ping()["abandoned"] == 0)
