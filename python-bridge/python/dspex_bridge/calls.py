"""One call of the host, from CALL to its one RESULT or ERROR."""

import asyncio
from typing import TYPE_CHECKING, Any

import dspy

from .messages import CallMessage
from .streams import CallStream

if TYPE_CHECKING:
    from .upcalls import Upcalls


class Call:
    """The record of a call. It belongs to the loop's thread; a lane's thread only counts LM calls and usage in it."""

    __slots__ = (
        "id",
        "message",
        "deadline",
        "timer",
        "started",
        "lane",
        "task",
        "settled",
        "upcalls",
        "open_upcalls",
        "stream",
        "lm_calls",
        "input_tokens",
        "output_tokens",
    )

    def __init__(self, message: CallMessage, deadline: float | None, upcalls: "Upcalls") -> None:
        self.id = message.id
        self.message = message
        self.deadline = deadline
        """On the loop's clock, in seconds."""
        self.timer: asyncio.TimerHandle | None = None
        self.started: float | None = None
        self.lane = "async"
        self.task: asyncio.Task[None] | None = None
        self.settled = False
        self.upcalls = upcalls
        """Where its questions to the host go."""
        self.open_upcalls: set[int] = set()
        self.stream: CallStream | None = None
        """Where its items go; `None` where the host takes none."""
        self.lm_calls = 0
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None

    def add_usage(self, response: Any) -> None:
        """Adds the tokens of an LM response in its JSON form; a response may know neither."""
        usage = response.get("usage") if isinstance(response, dict) else None
        if not isinstance(usage, dict):
            return
        inputs, outputs = usage.get("input_tokens"), usage.get("output_tokens")
        if isinstance(inputs, int):
            self.input_tokens = (self.input_tokens or 0) + inputs
        if isinstance(outputs, int):
            self.output_tokens = (self.output_tokens or 0) + outputs

    def info(self, now: float) -> dict[str, Any] | None:
        """The `info` of the answer; `None` where the Python code never started, from which `durationMs` counts."""
        if self.started is None:
            return None
        usage = None
        if self.input_tokens is not None or self.output_tokens is not None:
            usage = {"inputTokens": self.input_tokens or 0, "outputTokens": self.output_tokens or 0}
        return {
            "lane": self.lane,
            "durationMs": (now - self.started) * 1000,
            "lmCalls": self.lm_calls,
            "usage": usage,
        }


def current_call() -> Call:
    """The call that runs here. DSPy carries it, with its settings, into every thread and task that it starts.

    Raises:
        RuntimeError: none does.
    """
    call = dspy.settings.get("dspex_call")
    if call is None:
        raise RuntimeError("the host can be asked only inside of one of its calls")
    return call
