"""Functions named by the host as `package.module:name`."""

import asyncio
import contextlib
import importlib
import inspect
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .errors import CallError
from .streams import CallStream

MAX_FUNCTIONS = 1_024


@dataclass(frozen=True, slots=True)
class Function:
    """A resolved target."""

    call: Callable[..., Any]
    is_async: bool
    is_generator: bool

    async def run_async(self, arguments: list[Any], stream: CallStream | None) -> Any:
        """Runs an async function. A generator sends what it yields to `stream`, and is closed whatever happens."""
        if not self.is_generator:
            return await self.call(*arguments)
        async with contextlib.aclosing(self.call(*arguments)) as items:
            async for item in items:
                await stream.send(item)

    def run(self, arguments: list[Any], stream: CallStream | None) -> Any:
        """The same for a sync one, on a thread."""
        if not self.is_generator:
            return self.call(*arguments)
        with contextlib.closing(self.call(*arguments)) as items:
            for item in items:
                stream.send_from_thread(item)


class Functions:
    """Resolved functions by target. A module is imported on a thread, the same for all: it may take seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._known: OrderedDict[str, Function] = OrderedDict()
        self._importer = ThreadPoolExecutor(1, thread_name_prefix="dspex-import")

    def known(self, target: str) -> Function | None:
        """The function, when it has been resolved before."""
        return self._known.get(target)

    def resolve(self, target: str, done: Callable[[Function | BaseException], None]) -> None:
        """Imports the target's module and calls `done` on the loop with the function, or with what went wrong."""

        def finish(future: Future[Function]) -> None:
            error = future.exception()
            if error is None:
                self._known[target] = future.result()
                if len(self._known) > MAX_FUNCTIONS:
                    self._known.popitem(last=False)
            done(error or future.result())

        future = self._importer.submit(_resolve, target)
        future.add_done_callback(lambda settled: self._loop.call_soon_threadsafe(finish, settled))


def _resolve(target: str) -> Function:
    module_name, colon, path = target.partition(":")
    names = path.split(".")
    if not colon or not all(part.isidentifier() for part in [*module_name.split("."), *names]):
        raise CallError("invalid_target", f"a target is 'package.module:name', not {target!r:.200}", target=target)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module exists, but one that it imports does not
        raise CallError("invalid_target", f"there is no module {module_name!r}", target=target) from None
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError:
            raise CallError("invalid_target", f"{module_name!r} has no {path!r}", target=target) from None
    if not callable(found):
        raise CallError("invalid_target", f"{target!r} is not callable", target=target)
    is_async_generator = _is(inspect.isasyncgenfunction, found)
    return Function(
        found,
        is_async=is_async_generator or _is(inspect.iscoroutinefunction, found),
        is_generator=is_async_generator or _is(inspect.isgeneratorfunction, found),
    )


def _is(kind: Callable[[Any], bool], found: Any) -> bool:
    return kind(found) or kind(getattr(found, "__call__", None))
