"""Instances of the user's classes: what a worker keeps between calls (models, connections, indexes)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from .errors import CallError
from .importer import Importer, Outcome, outcome_of

MAX_RESOURCES = 256
"""Classes of which one worker keeps an instance."""

logger = logging.getLogger("dspex")


class Resources:
    """One instance of each class, made when first needed, without arguments, and entered where it is a context manager, sync or
    async. What could not be made is tried again by the next call.

    All methods belong to the loop's thread; what is not async of the classes runs on the importer's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, importer: Importer) -> None:
        self._loop = loop
        self._importer = importer
        self._made: dict[type, asyncio.Task[Outcome[Any]]] = {}
        self._closers: list[tuple[type, Callable[[], Awaitable[Any]]]] = []

    async def get(self, cls: type) -> Any:
        """The instance of `cls`.

        Raises:
            CallError: `invalid_target`, when there are too many.
            BaseException: what the class raised.
        """
        making = self._made.get(cls)
        if making is None:
            if len(self._made) >= MAX_RESOURCES:
                raise CallError("invalid_target", f"this worker keeps instances of {MAX_RESOURCES} classes already")
            making = self._made[cls] = self._loop.create_task(outcome_of(self._make(cls)))
        instance, error = await making
        if error is None:
            return instance
        if self._made.get(cls) is making:
            del self._made[cls]
        raise error

    async def close(self) -> None:
        """Leaves what was entered, and closes what has a `close` or `aclose`, the newest first."""
        while self._closers:
            cls, close = self._closers.pop()
            _, error = await outcome_of(close())
            if error is not None:
                logger.error("%s.%s could not be closed: %r", cls.__module__, cls.__qualname__, error)

    async def _make(self, cls: type) -> Any:
        instance = await self._importer.run(cls)
        close: Callable[[], Awaitable[Any]] | None = None
        if hasattr(cls, "__aenter__"):
            await instance.__aenter__()
            close = lambda: instance.__aexit__(None, None, None)
        elif hasattr(cls, "__enter__"):
            await self._importer.run(instance.__enter__)
            close = lambda: self._importer.run(lambda: instance.__exit__(None, None, None))
        elif hasattr(cls, "aclose"):
            close = instance.aclose
        elif hasattr(cls, "close"):
            close = lambda: self._close(instance)
        if close is not None:
            self._closers.append((cls, close))
        return instance

    async def _close(self, instance: Any) -> None:
        closing = await self._importer.run(instance.close)
        if asyncio.iscoroutine(closing):
            await closing
