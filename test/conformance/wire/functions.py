"""What the worker is asked to run."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any


def echo(*values: Any) -> list[Any]:
    return list(values)


def kinds_of(*values: Any) -> list[str]:
    return [type(value).__name__ for value in values]


def fail(message: str) -> None:
    raise ValueError(message) from KeyError("the cause")


def speak(line: str) -> None:
    print(line)
    print(line, file=sys.stderr)


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def count(upto: int) -> AsyncIterator[int]:
    for n in range(upto):
        yield n


def large_items(size: int, upto: int) -> Iterator[bytes]:
    for n in range(upto):
        yield bytes([n]) * size
