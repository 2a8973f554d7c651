"""The one thread on which the modules and classes of users come to be."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

Outcome = tuple[T, None] | tuple[None, BaseException]
"""A value, or what was raised: for tasks and futures, of which asyncio lets `SystemExit` end the loop and takes `StopIteration` for
its own."""


class Importer:
    """Runs user code that may take seconds: imports, constructors, `__enter__`, `close`. One after the other, because two threads that
    import modules which need each other see them half made."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dspex-import")

    async def run(self, work: Callable[[], T], began: Callable[[], None] = lambda: None) -> T:
        """Runs `work` on the thread; `began` is called there when its turn has come."""
        done: asyncio.Future[Outcome[T]] = self._loop.create_future()

        def turn() -> None:
            began()
            outcome: Outcome[T]
            try:
                outcome = work(), None
            except BaseException as error:
                outcome = None, error
            self._loop.call_soon_threadsafe(done.set_result, outcome)

        self._thread.submit(turn)
        value, error = await done
        if error is not None:
            raise error
        return value


async def outcome_of(awaitable: Awaitable[T]) -> Outcome[T]:
    """What `awaitable` returns or raises, as a value."""
    try:
        return await awaitable, None
    except BaseException as error:
        return None, error
