"""Functions named by the host: `package.module:name`, `package.module:Class`, `package.module:Class.method`."""

import asyncio
import contextlib
import importlib
import inspect
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import CallError, text_of
from .importer import Importer, outcome_of
from .resources import Resources
from .streams import CallStream

MAX_FUNCTIONS = 1_024
"""Functions that are known, and again as many that are being resolved."""


@dataclass(frozen=True, slots=True)
class Function:
    """A resolved target."""

    call: Callable[..., Any]
    is_async: bool
    is_generator: bool

    async def send_items(self, arguments: list[Any], stream: CallStream | None) -> None:
        """Sends what an async generator yields to `stream`; it is closed whatever happens."""
        async with contextlib.aclosing(self.call(*arguments)) as items:
            async for item in items:
                await stream.send(item)

    def send_items_from_thread(self, arguments: list[Any], stream: CallStream | None) -> None:
        """The same for a sync one, on a thread."""
        with contextlib.closing(self.call(*arguments)) as items:
            for item in items:
                stream.send_from_thread(item)


Done = Callable[[Function | BaseException], None]


class _Resolution:
    """A target on its way to a function, and the calls that wait for it."""

    __slots__ = ("task", "waiting", "began", "left_by")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.waiting: dict[int, Done] = {}
        self.began = False
        self.left_by: int | None = None


class Functions:
    """Resolved functions by target. However many calls wait for one, it is resolved once; calls that end meanwhile are forgotten,
    so a module whose import hangs costs one place.

    All methods belong to the loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_released: Callable[[int], None]) -> None:
        """`on_released` gets the id of a call for which `withdraw` returned true, when that holds no more."""
        self._loop = loop
        self._on_released = on_released
        self._known: OrderedDict[str, Function] = OrderedDict()
        self._resolving: dict[str, _Resolution] = {}
        self._importer = Importer(loop)
        self._resources = Resources(loop, self._importer)

    def known(self, target: str) -> Function | None:
        """The function, when it has been resolved before."""
        return self._known.get(target)

    def resolve(self, target: str, call_id: int, done: Done) -> None:
        """Imports the target's module, makes its class's instance, and calls `done` with the function or what went wrong.

        Raises:
            CallError: `invalid_target`, when too many others are on their way.
        """
        resolution = self._resolving.get(target)
        if resolution is None:
            if len(self._resolving) >= MAX_FUNCTIONS:
                raise CallError("invalid_target", f"{MAX_FUNCTIONS} other targets are being imported", target=target)
            resolution = self._resolving[target] = _Resolution()
            resolution.task = self._loop.create_task(self._resolve(target, resolution))
        resolution.waiting[call_id] = done
        self._release(resolution)

    async def warm_up(self, target: str) -> None:
        """Resolves a target ahead of its first call.

        Raises:
            CallError: as a call would get it.
        """
        self._keep(target, await self._find(target, lambda: None))

    def withdraw(self, target: str, call_id: int) -> bool:
        """Forgets a call that waits. Whether user code (an import, a constructor) now runs on for nobody."""
        resolution = self._resolving.get(target)
        if resolution is None or resolution.waiting.pop(call_id, None) is None:
            return False
        if resolution.waiting or not resolution.began:
            return False
        resolution.left_by = call_id
        return True

    def give_up_cancelled(self) -> None:
        """Tells the calls that wait for a target whose task other code cancelled before its first step."""
        for target, resolution in list(self._resolving.items()):
            if resolution.task is not None and resolution.task.cancelled():
                del self._resolving[target]
                for done in resolution.waiting.values():
                    done(asyncio.CancelledError())

    async def close(self) -> None:
        """Closes the instances of classes."""
        await self._resources.close()

    async def _resolve(self, target: str, resolution: _Resolution) -> None:
        def began() -> None:
            resolution.began = True

        function, error = await outcome_of(self._find(target, began))
        del self._resolving[target]
        if function is not None:
            self._keep(target, function)
        self._release(resolution)
        for done in resolution.waiting.values():
            done(function or error)

    def _keep(self, target: str, function: Function) -> None:
        self._known[target] = function
        if len(self._known) > MAX_FUNCTIONS:
            self._known.popitem(last=False)

    def _release(self, resolution: _Resolution) -> None:
        if resolution.left_by is not None:
            self._on_released(resolution.left_by)
            resolution.left_by = None

    async def _find(self, target: str, began: Callable[[], None]) -> Function:
        try:
            # What is there already need not wait behind the import of another module.
            here = _is_loaded(target)
            owner, found = _import(target) if here else await self._importer.run(lambda: _import(target), began)
            if owner is not None:
                began()
                instance = await self._resources.get(owner)
                found = instance if found is None else getattr(instance, found)
            return _function(target, found)
        except CallError:
            raise
        except BaseException as error:
            message = f"{target!r} could not be imported: {type(error).__name__}: {text_of(error)}"
            raise CallError("import_failed", message, target=target) from error


def _is_loaded(target: str) -> bool:
    """Whether finding a target runs no code of its module."""
    module_name, _, path = target.partition(":")
    module = sys.modules.get(module_name)
    if module is None or getattr(getattr(module, "__spec__", None), "_initializing", False):
        return False
    return path.partition(".")[0] in getattr(module, "__dict__", {})


def _import(target: str) -> tuple[type | None, Any]:
    """What a target names: `(None, function)`, or `(class, None)` and `(class, method name)` where it takes an instance."""
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
    owner: Any = None
    for name in names:
        owner = found
        try:
            found = getattr(found, name)
        except AttributeError:
            raise CallError("invalid_target", f"{module_name!r} has no {path!r}", target=target) from None
    if isinstance(found, type):
        if not any("__call__" in base.__dict__ for base in found.__mro__):
            message = f"{target!r} is a class without __call__; name a method of it, '{target}.method'"
            raise CallError("invalid_target", message, target=target)
        return found, None
    if isinstance(owner, type) and _takes_instance(owner, names[-1]):
        return owner, names[-1]
    return None, found


def _takes_instance(cls: type, name: str) -> bool:
    attribute = inspect.getattr_static(cls, name, None)
    return not isinstance(attribute, (staticmethod, classmethod, types.ClassMethodDescriptorType, types.BuiltinMethodType))


def _function(target: str, found: Any) -> Function:
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
