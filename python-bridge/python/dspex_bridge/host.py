"""What user code may ask of its host while it runs in a call: `from dspex_bridge import host`.

The call goes wherever DSPy's settings go: into the tasks that the code starts, into `asyncio.to_thread`, into DSPy's own threads.
"""

from typing import Any

from .calls import current_call
from .codec import to_wire
from .errors import HostError
from .upcalls import UpcallRefused, may_wait

__all__ = ["HostError", "UpcallRefused", "acall_tool", "call_tool", "cancelled", "traceparent"]


def call_tool(name: str, /, **arguments: Any) -> Any:
    """Calls a tool of the host with plain data and returns what it answers. For code on a thread, which it blocks.

    Raises:
        HostError: the tool failed, or the host has none of this name.
        UpcallRefused: the arguments are too large, or too many questions wait already.
        RuntimeError: outside of a call, or on an event loop.
    """
    may_wait()
    call = current_call()
    return call.upcalls.ask_from_thread(call, "tool", _payload(name, arguments))


async def acall_tool(name: str, /, **arguments: Any) -> Any:
    """The same for async code; cancelling it tells the host that nobody waits any more."""
    call = current_call()
    return await call.upcalls.ask(call, "tool", _payload(name, arguments))


def cancelled() -> bool:
    """Whether the host has given the call up, by cancelling it or because its deadline passed. A thread cannot be stopped from
    outside: one that looks now and then, and returns, spares the worker its end."""
    return current_call().settled


def traceparent() -> str | None:
    """The W3C trace context that the host gave the call. Where OpenTelemetry is installed, spans of the call have it as their
    parent already."""
    return current_call().message.context.traceparent


def _payload(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "arguments": to_wire(arguments)}
