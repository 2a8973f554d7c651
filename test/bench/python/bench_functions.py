"""What the benchmarks call in Python."""

from collections.abc import AsyncIterator


async def deltas(count: int) -> AsyncIterator[dict[str, str]]:
    """The pieces that a streaming program would send, without the program."""
    for index in range(count):
        yield {"field": "answer", "delta": f"token {index} "}
