"""What the benchmarks call in Python."""

import asyncio
import functools
import gc
import time
from array import array
from collections.abc import AsyncIterator
from typing import Any

from dspex_bridge import host


async def deltas(count: int) -> AsyncIterator[dict[str, str]]:
    """The pieces that a streaming program would send, without the program."""
    for index in range(count):
        yield {"field": "answer", "delta": f"token {index} "}


async def upcall_cpu(count: int, at_once: int) -> float:
    """Microseconds of CPU time that the worker spends on an upcall, of `count` made `at_once` at a time."""
    started = time.process_time()
    for _ in range(count // at_once):
        await asyncio.gather(*(host.acall_tool("nothing") for _ in range(at_once)))
    return (time.process_time() - started) / count * 1e6


def private_mb() -> float:
    """Memory of this worker that no other process shares, after a full collection."""
    gc.collect()
    with open("/proc/self/smaps_rollup") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_")) * 1024 / 1e6


async def take_array(elements: Any) -> tuple[int, float]:
    """How many elements have arrived, and the last one."""
    return len(elements), float(elements[-1])


async def give_array(count: int) -> array:
    """So many float32 elements, 0 but for the last one."""
    return _array(count)


@functools.cache
def _array(count: int) -> array:
    elements = array("f", bytes(count * 4))
    elements[-1] = 0.5
    return elements
