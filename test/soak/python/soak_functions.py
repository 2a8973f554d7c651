"""What the soak calls in Python."""

from collections.abc import AsyncIterator

from dspex_bridge import host


async def count(first: int) -> AsyncIterator[int]:
    """Twenty numbers."""
    for number in range(first, first + 20):
        yield number


async def ask_for_double(number: int) -> int:
    """Lets the host do the sum."""
    return await host.acall_tool("double", number=number)
