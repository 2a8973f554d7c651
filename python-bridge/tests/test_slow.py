"""Slow readers: whatever kind of frame a worker could flood its host with, its memory stays flat (G4)."""

import contextlib
import threading
import time
from collections.abc import Callable

import pytest
from host import Worker, eventually
from scale import scaled

from dspex_bridge.kinds import Kind

STEP_SECONDS = 0.4
SETTLED_BYTES = 2 * 1024 * 1024
WARM_UP_STEPS = 20
SECONDS = 0.8
MAX_GROWTH_BYTES = 24 * 1024 * 1024
MAX_HELD_BYTES = 72 * 1024 * 1024
"""What all of it may take: messages of 8 MB on their way in two windows, the threads, and what the allocator keeps."""

Load = Callable[[Worker], None]


def stream(size: int, *targets: str) -> Load:
    return lambda worker: [worker.start(target, [size], credits=65_536) for target in targets for _ in range(4)]


def call(*targets: str, arguments: tuple[int, ...] = ()) -> Load:
    return lambda worker: [worker.start(target, list(arguments)) for target in targets for _ in range(4)]


def always_in_flight(count: int, size: int) -> Load:
    """A host that makes another call for each that was answered."""

    def keep_busy(worker: Worker) -> None:
        calls = [worker.start("flood_code:large", [size]) for _ in range(count)]
        while worker.process.poll() is None:
            for index, id in enumerate(calls):
                if not worker.answers[id].empty():
                    worker.answers.pop(id)
                    calls[index] = worker.start("flood_code:large", [size])
            time.sleep(0.001)

    return in_background(keep_busy)


def more_than_it_takes(*sends: Load) -> Load:
    """A host that writes as fast as it can, and does not mind what it has not read."""

    def flood(worker: Worker) -> None:
        while worker.process.poll() is None:
            for send in sends:
                send(worker)

    return in_background(flood)


def in_background(run: Load) -> Load:
    def quietly(worker: Worker) -> None:
        with contextlib.suppress(OSError, ValueError):  # the worker is gone
            run(worker)

    return lambda worker: threading.Thread(target=quietly, args=(worker,), daemon=True).start()


@pytest.mark.parametrize(
    ("load", "kinds"),
    [
        pytest.param(
            stream(10_000, "flood_code:items", "flood_code:items_of_a_thread"), {Kind.STREAM}, id="STREAM"
        ),
        pytest.param(stream(2_000_000, "flood_code:items"), {Kind.STREAM}, id="STREAM in chunks"),
        pytest.param(
            call("flood_code:questions", "flood_code:questions_of_a_thread", arguments=(20_000,)),
            {Kind.UPCALL},
            id="UPCALL",
        ),
        pytest.param(
            call("flood_code:questions_of_a_thread", arguments=(1_000_000,)), {Kind.UPCALL}, id="UPCALL in chunks"
        ),
        pytest.param(call("flood_code:lines"), {Kind.LOG}, id="LOG"),
        pytest.param(always_in_flight(16, 100_000), {Kind.RESULT}, id="RESULT"),
        pytest.param(always_in_flight(3, 400_000), {Kind.RESULT}, id="RESULT in chunks"),
        pytest.param(
            more_than_it_takes(
                lambda worker: worker.start("no:name", []),
                lambda worker: worker.send(Kind.PING, [worker.next_id(), 0.0]),
            ),
            {Kind.ERROR, Kind.PONG},
            id="ERROR and PONG",
        ),
    ],
)
def test_g4_a_slow_reader_costs_no_memory(load, kinds):
    seconds = scaled(1) * SECONDS
    with Worker(
        tool=lambda _payload: None, capabilities=["chunks"], maxFrameBytes=8_000_000, maxInFlight=16, threads=8
    ) as worker:
        worker.pause_seconds = 0.02  # some 3 MB/s
        idle = worker.rss_bytes()
        load(worker)
        eventually(lambda: kinds <= set(worker.kinds))  # it has begun
        fill(worker)
        begin = time.monotonic()
        samples = [(0.0, worker.rss_bytes())]
        while time.monotonic() < begin + seconds:
            time.sleep(0.05)
            samples.append((time.monotonic() - begin, worker.rss_bytes()))
        assert worker.process.poll() is None
        assert kinds <= set(worker.kinds)
    slope = slope_of(samples)
    print(f"{samples[-1][1] / 1e6:.0f} MB, {slope / 1e6:+.2f} MB/s")
    half = len(samples) // 2
    growth = max(bytes for _, bytes in samples[half:]) - max(bytes for _, bytes in samples[:half])
    assert max(bytes for _, bytes in samples) - idle < MAX_HELD_BYTES
    assert growth < MAX_GROWTH_BYTES, f"{slope / 1e6:+.2f} MB/s"


def fill(worker: Worker) -> None:
    """Waits until the buffers are full, which a busy machine is slow to do. Memory that goes on growing is found behind it."""
    before = 0
    for _ in range(WARM_UP_STEPS):
        time.sleep(STEP_SECONDS)
        now = worker.rss_bytes()
        if now - before < SETTLED_BYTES:
            return
        before = now


def slope_of(samples: list[tuple[float, int]]) -> float:
    """Of the line that fits them best, in bytes per second."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / sum((x - mean_x) ** 2 for x, _ in samples)
