"""Code that sends as much as it may, for `test_slow.py`."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from dspex_bridge import host


async def items(size: int) -> AsyncIterator[bytes]:
    while True:
        yield b"\1" * size


def items_of_a_thread(size: int) -> Iterator[bytes]:
    while True:
        yield b"\1" * size


async def questions(size: int) -> None:
    while True:
        await asyncio.gather(*(host.acall_tool("give", data=b"\1" * size) for _ in range(500)))


def questions_of_a_thread(size: int) -> None:
    while not host.cancelled():
        host.call_tool("give", data=b"\1" * size)


def lines() -> None:
    while not host.cancelled():
        print("x" * 1_000)


async def large(size: int) -> bytes:
    return b"\1" * size
