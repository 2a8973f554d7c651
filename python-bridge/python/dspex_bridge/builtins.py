"""Functions that every worker has, for health checks and measurements."""

from typing import TypeVar

T = TypeVar("T")


def echo(value: T) -> T:
    """Returns its argument, from a thread."""
    return value


async def echo_async(value: T) -> T:
    """Returns its argument, from the event loop."""
    return value
