"""The host's language models as DSPy LMs: every request goes up the wire, and the reply comes down.

DSPy's own engine contract: an engine completes one canonical request, sync or async (`dspy.clients.engines.base`).
"""

import contextlib
import dataclasses
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

import dspy
import msgspec
from dspy import lm15

from . import seams
from .calls import Call, current_call
from .codec import to_wire
from .errors import CallError, HostError
from .messages import LmContext
from .pieces import Whole
from .upcalls import UpcallRefused, Upcalls, may_wait

MODEL = "host"
"""DSPy chooses parameters by the model's name; the host knows the model, so the name that DSPy sees says nothing."""

MAX_LMS = 256

# Parameters of `dspy.LM` that say how it works and not what the model is asked.
_RESERVED = frozenset(
    "model model_type cache callbacks num_retries provider finetuning_model launch_kwargs train_kwargs "
    "use_developer_role engine async_engine prompt_cache rollout_id".split()
)

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class _Engine:
    """What both faces share. The capabilities decide which requests DSPy makes."""

    supports_function_calling = True
    supports_response_schema = True
    supports_reasoning = False
    supported_params = frozenset(
        ("temperature", "max_tokens", "tools", "tool_choice", "parallel_tool_calls", "response_format")
    )

    def __init__(self, upcalls: Upcalls, endpoint: str) -> None:
        self._upcalls = upcalls
        self._endpoint = endpoint

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Engine":
        return self  # optimizers deep-copy programs; the connection is one

    @staticmethod
    def _events(call: Call, answered: Any) -> Iterator[Any]:
        """DSPy's stream events for one piece of an answer, or for all of it."""
        if isinstance(answered, Whole):
            call.add_usage(answered.value)
            events = lm15.response_to_events(seams.response_from_dict(answered.value))
        else:
            call.add_usage(answered)
            events = iter((seams.stream_event_from_dict(answered),))
        for event in events:
            yield from _fine(event)

    def _begin(self, request: dict[str, Any]) -> tuple[Call, dict[str, Any]]:
        """Counts a request (its JSON form); the call that makes it, and the payload of its upcall."""
        call = current_call()
        call.lm_calls += 1
        return call, {"endpoint": self._endpoint, "request": request}


class AsyncHostEngine(_Engine):
    """For programs on the event loop."""

    async def complete(self, request: lm15.Request) -> lm15.Response:
        return seams.response_from_dict(await self.exchange(to_wire(seams.request_to_dict(request))))

    async def exchange(self, request: dict[str, Any]) -> Any:
        """Sends the JSON form of a request (plain data), returns the JSON form of the response, and accounts for it."""
        call, payload = self._begin(request)
        try:
            reply = await self._upcalls.ask(call, "lm", payload)
        except (HostError, UpcallRefused) as error:
            raise lm_error(error) from None
        call.add_usage(reply)
        return reply

    async def stream(self, request: lm15.Request) -> AsyncGenerator[Any, None]:
        """DSPy's stream events, while the host sends them."""
        call, payload = self._begin(to_wire(seams.request_to_dict(request)))
        try:
            async with contextlib.aclosing(self._upcalls.stream(call, "lm", payload)) as pieces:
                async for piece in pieces:
                    for event in self._events(call, piece):
                        yield event
        except (HostError, UpcallRefused) as error:
            raise lm_error(error) from None


class HostEngine(_Engine):
    """For programs on a thread, which it blocks until the reply is there."""

    def complete(self, request: lm15.Request) -> lm15.Response:
        try:
            may_wait()
            call, payload = self._begin(to_wire(seams.request_to_dict(request)))
            reply = self._upcalls.ask_from_thread(call, "lm", payload)
        except (HostError, UpcallRefused) as error:
            raise lm_error(error) from None
        call.add_usage(reply)
        return seams.response_from_dict(reply)

    def stream(self, request: lm15.Request) -> Generator[Any, None, None]:
        try:
            may_wait()
            call, payload = self._begin(to_wire(seams.request_to_dict(request)))
            with contextlib.closing(self._upcalls.stream_from_thread(call, "lm", payload)) as pieces:
                for piece in pieces:
                    yield from self._events(call, piece)
        except (HostError, UpcallRefused) as error:
            raise lm_error(error) from None


_HEADER = re.compile(r"(\[\[ ## \w+ ## \]\])")


def _fine(event: Any) -> Iterator[Any]:
    """An event, or several with the same text, in which each field header of the chat adapter stands alone: DSPy's
    listeners take a chunk that holds a whole field for a cached reply, and pass nothing of it on."""
    delta = event.delta if event.type == "delta" else None
    pieces = _HEADER.split(delta.text) if delta is not None and delta.type == "text" and "[[ ##" in delta.text else ()
    if len(pieces) < 2:
        yield event
        return
    for text in filter(None, pieces):
        delta = dataclasses.replace(delta, text=text)
        yield dataclasses.replace(event, delta=delta)
        delta = dataclasses.replace(delta, logprobs=())  # they are the tokens' of the whole, and said with its beginning


def lm_error(error: HostError | UpcallRefused) -> Exception:
    """The DSPy error that a failed request of the host stands for.

    The host names the class in `details.lm`; a class that is not one of DSPy's LM errors becomes `LMUnexpectedError`.
    """
    if isinstance(error, UpcallRefused):
        return dspy.LMInvalidRequestError(str(error), model=MODEL)
    details = error.details
    name = details.get("lm")
    kind = getattr(dspy, name, None) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, dspy.LMError)):
        kind = dspy.LMUnexpectedError
    retry_after_ms = details.get("retryAfterMs")
    return kind(
        message=error.message,
        model=MODEL,
        provider_code=error.code or None,
        status=details.get("status"),
        request_id=details.get("requestId"),
        retry_after=retry_after_ms / 1000 if isinstance(retry_after_ms, (int, float)) else None,
    )


class HostLms:
    """The LMs of a worker, one per endpoint and parameters, made when first named. Keeps the last 256."""

    def __init__(self, upcalls: Upcalls) -> None:
        self._upcalls = upcalls
        self._lms: OrderedDict[bytes, dspy.LM] = OrderedDict()

    def get(self, context: LmContext) -> dspy.LM:
        """The LM that a call's context names.

        Raises:
            CallError: `invalid_input` for a parameter that is not one of a request.
        """
        key = _encode(context)
        lm = self._lms.get(key)
        if lm is None:
            lm = self._lms[key] = self._make(context)
            if len(self._lms) > MAX_LMS:
                self._lms.popitem(last=False)
        else:
            self._lms.move_to_end(key)
        return lm

    def _make(self, context: LmContext) -> dspy.LM:
        reserved = sorted(_RESERVED.intersection(context.config))
        if reserved:
            raise CallError("invalid_input", f"context.lm.config: {reserved[0]!r} is not a parameter of a request")
        engines = {
            "engine": HostEngine(self._upcalls, context.name),
            "async_engine": AsyncHostEngine(self._upcalls, context.name),
        }
        try:
            return seams.lm_class()(MODEL, **engines, cache=False, num_retries=0, **context.config)
        except (TypeError, ValueError, dspy.LMError) as error:
            raise CallError("invalid_input", f"context.lm.config: {error}") from error
