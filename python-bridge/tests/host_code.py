"""User code that asks its host, for `test_host.py`."""

import asyncio
import contextvars
import time

from dspex_bridge import host


def search(query: str, **arguments: object) -> object:
    return host.call_tool("search", query=query, **arguments)


async def search_async(query: str, **arguments: object) -> object:
    return await host.acall_tool("search", query=query, **arguments)


async def search_sync_on_the_loop() -> object:
    return host.call_tool("search")


async def search_in_a_thread() -> object:
    return await asyncio.to_thread(host.call_tool, "search")


def search_with(value: str) -> object:
    return host.call_tool("search", value=object() if value == "object" else "x" * int(value))


def failing() -> dict:
    try:
        host.call_tool("failing")
    except host.HostError as error:
        return {"code": error.code, "message": error.message, "details": error.details}
    return {}


async def search_with_a_name() -> object:
    return await host.acall_tool("search", name="a tool's own argument")


def outside() -> str:
    try:
        return contextvars.Context().run(host.traceparent) or ""
    except RuntimeError as error:
        return str(error)


def until_cancelled() -> str:
    while not host.cancelled():
        time.sleep(0.005)
    return "looked"


def traceparent() -> str | None:
    return host.traceparent()


async def traceparent_async() -> str | None:
    return await asyncio.to_thread(host.traceparent)


def attached() -> object:
    from opentelemetry.context import attached

    return attached.get()


async def attached_async() -> object:
    return attached()


def descend(depth: int) -> int:
    """Asks the host, which calls this again, one level deeper."""
    return 0 if depth == 0 else 1 + host.call_tool("descend", depth=depth - 1)


async def descend_async(depth: int) -> int:
    return 0 if depth == 0 else 1 + await host.acall_tool("descend", depth=depth - 1)
