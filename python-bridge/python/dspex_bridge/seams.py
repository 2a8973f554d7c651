"""Every touch of a name of DSPy's that is not public. Nothing outside of this file knows one.

Each seam has a reason, a check at worker start, and an off switch (HELLO `seams`). A seam whose check fails is reported
in READY with the reason, and the worker takes the public route, which gives the same results more slowly.
"""

import contextlib
import dataclasses
import operator
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import dspy
from dspy import lm15
from pydantic import TypeAdapter

from .codec import is_well_formed

# Seam `serde`: lm15's JSON forms, which DSPy does not re-export. They cover every kind of part; the public route knows
# those that text models answer with.


def _public_request_to_dict(request: lm15.Request) -> dict[str, Any]:
    return _public_form(request)


def _public_form(value: Any) -> Any:
    """lm15's rule: a typed value leaves out its empty fields, except where emptiness says something."""
    if isinstance(value, (tuple, list)):
        return [_public_form(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value  # a payload of the caller's, which goes as it is
    form = {"type": value.type} if hasattr(value, "type") else {}
    for field in dataclasses.fields(value):
        item = _public_form(getattr(value, field.name))
        if field.name in _ALWAYS_SAID or not (item is None or item in ("", [], {})):
            form[field.name] = item
    if form.get("is_error") is False:
        del form["is_error"]
    return form


_ALWAYS_SAID = frozenset(("text", "input", "content", "parameters", "parts"))

_PARTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "text": lambda part: lm15.TextPart(text=part.get("text", "")),
    "thinking": lambda part: lm15.ThinkingPart(text=part.get("text", "")),
    "refusal": lambda part: lm15.RefusalPart(text=part.get("text", "")),
    "tool_call": lambda part: lm15.ToolCallPart(id=part["id"], name=part["name"], input=part.get("input", {})),
}


def _public_response_from_dict(response: dict[str, Any]) -> lm15.Response:
    identity, model, message, usage = response.get("id"), response["model"], response["message"], response.get("usage")
    parts = []
    for part in message.get("parts", []):
        if part["type"] not in _PARTS:
            raise ValueError(f"unsupported part type: {part['type']}")
        parts.append(_PARTS[part["type"]](part))
    if not parts:
        raise ValueError(f"message for role '{message['role']}' has no parts")
    return lm15.Response(
        id=identity,
        model=model,
        message=lm15.Message(role=message["role"], parts=tuple(parts)),
        finish_reason=response["finish_reason"],
        usage=lm15.Usage(**usage) if isinstance(usage, dict) else lm15.Usage(),
    )


_DELTAS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "text": lambda delta: lm15.TextDelta(text=delta.get("text", ""), part_index=delta.get("part_index", 0)),
    "thinking": lambda delta: lm15.ThinkingDelta(text=delta.get("text", ""), part_index=delta.get("part_index", 0)),
    "tool_call": lambda delta: lm15.ToolCallDelta(
        input=delta.get("input", ""),
        part_index=delta.get("part_index", 0),
        id=delta.get("id"),
        name=delta.get("name"),
    ),
}


def _public_stream_event_from_dict(event: dict[str, Any]) -> Any:
    kind = event["type"]
    if kind == "start":
        return lm15.StreamStartEvent(id=event.get("id"), model=event.get("model"))
    if kind == "delta" and event["delta"]["type"] in _DELTAS:
        return lm15.StreamDeltaEvent(delta=_DELTAS[event["delta"]["type"]](event["delta"]))
    if kind == "end":
        usage = event.get("usage")
        return lm15.StreamEndEvent(
            finish_reason=event.get("finish_reason"), usage=lm15.Usage(**usage) if isinstance(usage, dict) else None
        )
    raise ValueError(f"unsupported stream event type: {kind}")


request_to_dict: Callable[[lm15.Request], dict[str, Any]] = _public_request_to_dict
"""The JSON form of an LM request."""

response_from_dict: Callable[[dict[str, Any]], lm15.Response] = _public_response_from_dict
"""The LM response of a JSON form."""

stream_event_from_dict: Callable[[dict[str, Any]], Any] = _public_stream_event_from_dict
"""The LM stream event of a JSON form."""


def _install_serde() -> None:
    from dspy._vendor.lm15 import serde

    request = lm15.Request(model="host", messages=(lm15.Message.user("question"),))
    if serde.request_to_dict(request) != _public_request_to_dict(request):
        raise ValueError("the JSON form of a request has changed")
    response = {
        "model": "host",
        "message": {"role": "assistant", "parts": [{"type": "text", "text": "answer"}]},
        "finish_reason": "stop",
    }
    if serde.response_from_dict(response) != _public_response_from_dict(response):
        raise ValueError("the JSON form of a response has changed")
    for event in (
        {"type": "start", "model": "host"},
        {"type": "delta", "delta": {"type": "text", "text": "answer", "part_index": 0}},
        {"type": "end", "finish_reason": "stop", "usage": {"input_tokens": 1, "output_tokens": 1}},
    ):
        if serde.stream_event_from_dict(event) != _public_stream_event_from_dict(event):
            raise ValueError("the JSON form of a stream event has changed")
    globals().update(
        request_to_dict=serde.request_to_dict,
        response_from_dict=serde.response_from_dict,
        stream_event_from_dict=serde.stream_event_from_dict,
    )


# Seam `fast_lm`: DSPy's async route makes two thread hops per LM call (`asyncio.to_thread`), builds the canonical request
# and response, and takes both apart again. `FastLM` exchanges the JSON forms itself for calls whose form is plain: texts
# and scalar parameters. Everything in which the routes differ by nature (n > 1, parts that are not text, tools, streams,
# histories, callbacks, usage trackers, retries) takes the engine contract, and so does everything that DSPy refuses.

_MAX_CONFIGS = 1_024
_SCALARS = frozenset((str, int, float, bool, type(None)))
_ROLES = frozenset(("user", "assistant"))
_REPLY_KEYS = frozenset(("id", "model", "message", "finish_reason", "usage"))
_TOKEN_COUNTS = frozenset(("input_tokens", "output_tokens", "total_tokens"))

_lm_class: type[dspy.LM] = dspy.LM


def lm_class() -> type[dspy.LM]:
    """The LM class that is in force."""
    return _lm_class


def _make_fast_lm() -> type[dspy.LM]:
    from dspy.clients import execution
    from dspy.clients._deprecation import warn_openai_messages
    from dspy.clients.errors import wrap_error

    configs: dict[str, dict[str, Any] | None] = {}

    def config_of(lm: dspy.LM, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """The `config` of the request that DSPy makes of these parameters, made once by DSPy; `None` if it refuses."""
        key = repr((lm.model, parameters))
        if key not in configs:
            if len(configs) >= _MAX_CONFIGS:
                configs.clear()
            try:
                call = execution.prepare(lm, "any", None, parameters, asynchronous=True)
                configs[key] = request_to_dict(execution._canonical(call)).get("config", {})
            except Exception:  # the engine contract raises it again, where the caller expects it
                configs[key] = None
        return configs[key]

    def plain_request(lm: dspy.LM, prompt: Any, messages: Any, kwargs: dict[str, Any]) -> dict[str, Any] | None:
        """The JSON form of a call's request, or `None` for a call that the engine contract has to make."""
        settings = dspy.settings
        if prompt is not None or not messages or settings.send_stream is not None or settings.usage_tracker is not None:
            return None
        if not settings.disable_history or settings.callbacks or lm.callbacks:
            return None
        parameters = {**lm.kwargs, **kwargs}
        if lm.num_retries or parameters.pop("cache", lm.cache) or lm.model_type != "chat":
            return None
        if parameters.get("n") not in (None, 1) or parameters.get("rollout_id") is not None or "request" in parameters:
            return None
        if not all(map(_is_plain_parameter, parameters.values())):
            return None
        request: dict[str, Any] = {"model": lm.model, "messages": []}
        rows = messages
        if messages[0].get("role") == "system":
            request["system"] = _plain_text(messages[0])
            rows = messages[1:]
            if request["system"] is None:
                return None
        for row in rows:
            text = _plain_text(row)
            if text is None or row["role"] not in _ROLES:
                return None
            request["messages"].append({"role": row["role"], "parts": [{"type": "text", "text": text}]})
        config = config_of(lm, parameters)
        if config is None or not request["messages"]:
            return None
        if config:
            request["config"] = config
        return request

    class FastLM(dspy.LM):
        """`dspy.LM` on an engine with `exchange` (JSON form of a request → JSON form of the response)."""

        async def acall(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
            exchange = getattr(self._async_engine_spec, "exchange", None)
            request = None if exchange is None else plain_request(self, prompt, messages, kwargs)
            if request is None:
                return await super().acall(prompt, messages=messages, **kwargs)
            warn_openai_messages(self, messages)
            try:
                reply = await exchange(request)
                text = _plain_reply(reply)
                if text is not None and not kwargs.get("logprobs", self.kwargs.get("logprobs")):
                    return [text]
                call = execution.prepare(self, prompt, messages, kwargs, asynchronous=True)
                result = execution._result(self, response_from_dict(reply), call, None, estimate=False)
            except Exception as error:
                failure = wrap_error(error, model=self.model)
                execution._hint_responses_api(self, failure)
                if failure is error:
                    raise
                raise failure from error
            return execution.finalize(self, call, result)

    return FastLM


def _is_plain_parameter(value: Any) -> bool:
    return type(value) in _SCALARS or type(value) is list and all(type(item) is str for item in value)


def _plain_text(row: dict[str, Any]) -> str | None:
    """The text of a message that has nothing else, and that can be encoded."""
    text = row.get("content")
    if len(row) != 2 or type(text) is not str or not text or "role" not in row:
        return None
    return text if text.isascii() or is_well_formed(text) else None


def _plain_reply(reply: Any) -> str | None:
    """The text of a response that says nothing else: one text part, ended by itself, with token counts or none."""
    try:
        (part,) = reply["message"]["parts"]
        text, usage, identity = part["text"], reply.get("usage"), reply.get("id")
        plain = (
            type(text) is str
            and text != ""
            and part["type"] == "text"
            and len(part) == 2
            and reply["message"]["role"] == "assistant"
            and len(reply["message"]) == 2
            and reply["finish_reason"] == "stop"
            and type(reply["model"]) is str
            and reply["model"] != ""
            and (identity is None or type(identity) is str)
            and _REPLY_KEYS.issuperset(reply)
            and (usage is None or _TOKEN_COUNTS.issuperset(usage) and all(map(_is_count, usage.values())))
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    return text if plain else None


def _is_count(value: Any) -> bool:
    return value is None or type(value) is int and value >= 0


def _install_fast_lm() -> None:
    global _lm_class
    fast = _make_fast_lm()
    _check_fast_lm(fast)
    _lm_class = fast


def _check_fast_lm(fast: type[dspy.LM]) -> None:
    """One call by each route must ask the same and get the same. Both run here without a loop: nothing waits."""
    asked: list[Any] = []
    reply = {
        "model": "host",
        "message": {"role": "assistant", "parts": [{"type": "text", "text": "answer"}]},
        "finish_reason": "stop",
    }

    class Engine:
        def complete(self, request: lm15.Request) -> lm15.Response:
            asked.append(request_to_dict(request))
            return response_from_dict(reply)

    class AsyncEngine:
        async def complete(self, request: lm15.Request) -> lm15.Response:
            raise AssertionError("the fast route was not taken")

        async def exchange(self, request: dict[str, Any]) -> dict[str, Any]:
            asked.append(request)
            return reply

    lm = fast("host", engine=Engine(), async_engine=AsyncEngine(), cache=False, num_retries=0, temperature=0.5)
    messages = [{"role": "system", "content": "system"}, {"role": "user", "content": "question"}]
    with dspy.context(disable_history=True, callbacks=[], send_stream=None), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        answered = [lm(messages=messages, stop=["end"]), _run_at_once(lm.acall(messages=messages, stop=["end"]))]
    if asked[0] != asked[1] or answered[0] != answered[1]:
        raise ValueError("the routes differ")


def _run_at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The value of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise ValueError("it waits for something")


# Seam `type_adapters`: DSPy makes a pydantic `TypeAdapter` (a schema, a validator, a serialiser) for every value that it
# formats or parses; they depend on the type alone.

_MAX_TYPE_ADAPTERS = 1_024


def _install_type_adapters() -> None:
    from dspy.adapters import utils

    if utils.TypeAdapter is not TypeAdapter:
        raise ValueError("dspy.adapters.utils does not use pydantic's TypeAdapter")
    # By identity: Union[int, str] and Union[str, int] are equal, but do not parse alike. The entry keeps the type alive,
    # so that its id cannot come to mean another one.
    known: dict[int, tuple[Any, TypeAdapter[Any]]] = {}

    def cached_type_adapter(annotation: Any) -> TypeAdapter[Any]:
        entry = known.get(id(annotation))
        if entry is not None:
            return entry[1]
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        if adapter.pydantic_complete:
            if len(known) >= _MAX_TYPE_ADAPTERS:
                known.clear()
            known[id(annotation)] = (annotation, adapter)
        return adapter

    utils.TypeAdapter = cached_type_adapter


# Seam `signature_fields`: DSPy rebuilds a signature's dictionaries of input and output fields some twenty times per call.
# Here they are kept in the class.

_FIELDS = "__dspex_fields__"


def _install_signature_fields() -> None:
    from dspy.signatures.signature import SignatureMeta

    original = SignatureMeta._get_fields_with_type

    def fields_with_type(cls: Any, field_type: str) -> dict[str, Any]:
        fields = cls.__pydantic_fields__
        sides = cls.__dict__.get(_FIELDS)
        # Pydantic replaces the dictionary when it rebuilds a model.
        if sides is None or sides["fields"] is not fields or sides["count"] != len(fields):
            sides = {side: original(cls, side) for side in ("input", "output")}
            sides.update(fields=fields, count=len(fields))
            type.__setattr__(cls, _FIELDS, sides)
        return sides[field_type].copy()

    probe = _probe_signature()
    for side in ("input", "output"):
        if fields_with_type(probe, side) != original(probe, side):
            raise ValueError("the fields of a signature are found in another way")
    SignatureMeta._get_fields_with_type = fields_with_type


# Seam `system_messages`: the chat adapter's system message depends on the signature alone; making it is a third of the
# work of a call. It is kept in the class, and made again when anything that goes into it has changed, in place or not.

_SYSTEM_MESSAGE = "__dspex_system_message__"


def _install_system_messages() -> None:
    original = dspy.ChatAdapter.format_system_message

    def ingredients(signature: Any) -> list[Any]:
        parts = [signature.__doc__]
        for name, field in signature.__pydantic_fields__.items():
            extra = field.json_schema_extra
            parts += (name, field.annotation, extra["__dspy_field_type"], extra["desc"], extra.get("constraints"))
        return parts

    def format_system_message(self: Any, signature: Any) -> str:
        # JSONAdapter and other heirs write another message.
        if type(self) is not dspy.ChatAdapter:
            return original(self, signature)
        parts = ingredients(signature)
        entry = signature.__dict__.get(_SYSTEM_MESSAGE)
        if entry is not None and len(entry[0]) == len(parts) and all(map(operator.is_, entry[0], parts)):
            return entry[1]
        message = original(self, signature)
        # DSPy's own types describe themselves, by code that may say something else the next time.
        if not _has_dspy_types(signature.__pydantic_fields__):
            type.__setattr__(signature, _SYSTEM_MESSAGE, (parts, message))
        return message

    adapter, probe = dspy.ChatAdapter(), _probe_signature()
    for _ in range(2):
        if format_system_message(adapter, probe) != original(adapter, probe):
            raise ValueError("the system message differs")
    dspy.ChatAdapter.format_system_message = format_system_message


# Seam `adapter_choice`: whether an output asks for evidence of a decision depends on the signature alone, and DSPy looks for it in
# every type of every output at each call. The verdict "none does" is kept in the class.

_NO_DECISIONS = "__dspex_no_decisions__"


def _install_adapter_choice() -> None:
    from dspy.predict import predict

    original = predict.resolve_adapter

    def resolve_adapter(lm: Any, adapter: Any, signature: Any, fields: Any, declared_signature: Any = None) -> Any:
        if fields or getattr(lm, "supports_decision_requests", False) is True:
            return original(lm, adapter, signature, fields, declared_signature)
        parts = [part for field in signature.output_fields.values() for part in (field.annotation, *field.metadata)]
        known = signature.__dict__.get(_NO_DECISIONS)
        if known is not None and len(known) == len(parts) and all(map(operator.is_, known, parts)):
            return adapter
        chosen = original(lm, adapter, signature, fields, declared_signature)
        # A decision inside of another type is warned of at each call.
        plain = not any(field.metadata for field in signature.output_fields.values())
        if chosen is adapter and plain and not _has_dspy_types(signature.output_fields):
            type.__setattr__(signature, _NO_DECISIONS, parts)
        return chosen

    adapter = dspy.ChatAdapter()
    for _ in range(2):
        if resolve_adapter(None, adapter, _probe_signature(), {}) is not adapter:
            raise ValueError("an adapter is chosen in another way")
    predict.resolve_adapter = resolve_adapter


# Seam `settings_context`: a call enters `dspy.context` three times, each a generator and four dictionaries. This is the same
# rule (what is configured, what surrounds it, what changes) as a plain context manager with one dictionary.


def _install_settings_context() -> None:
    from dspy.dsp.utils.settings import dotdict
    from dspy.dsp.utils.settings import main_thread_config as configured
    from dspy.dsp.utils.settings import thread_local_overrides as overrides

    class Context(contextlib.ContextDecorator):
        def __init__(self, changes: dict[str, Any]) -> None:
            self._changes = changes

        def _recreate_cm(self) -> "Context":
            return Context(self._changes)

        def __enter__(self) -> None:
            settings = dotdict(configured)
            settings.update(overrides.get())
            settings.update(self._changes)
            self._token = overrides.set(settings)

        def __exit__(self, *_error: Any) -> None:
            overrides.reset(self._token)

    def context(_self: Any, **changes: Any) -> Context:
        return Context(changes)

    def seen(enter: Callable[..., Any]) -> list[dict[str, Any]]:
        with enter(dspy.settings, rollout="outer", lm=None):
            outer = dict(overrides.get())
            with enter(dspy.settings, rollout="inner"):
                return [outer, dict(overrides.get())]

    if seen(context) != seen(type(dspy.settings).context) or "rollout" in overrides.get():
        raise ValueError("the settings of a context differ")
    type(dspy.settings).context = context
    dspy.context = dspy.settings.context


def _has_dspy_types(fields: dict[str, Any]) -> bool:
    return any(dspy.Type.extract_custom_type_from_annotation(field.annotation) for field in fields.values())


def _probe_signature() -> Any:
    return dspy.make_signature(
        {"question": (str, dspy.InputField()), "count": (int, dspy.OutputField(desc="how many"))}, "Count."
    )


_SEAMS: dict[str, Callable[[], None]] = {
    "serde": _install_serde,
    "fast_lm": _install_fast_lm,
    "type_adapters": _install_type_adapters,
    "signature_fields": _install_signature_fields,
    "system_messages": _install_system_messages,
    "adapter_choice": _install_adapter_choice,
    "settings_context": _install_settings_context,
}


_in_force: tuple[dict[str, bool], dict[str, str]] | None = None
"""The switches, and what came of them."""


def install(switches: dict[str, bool]) -> dict[str, str]:
    """Puts the seams in force that are not switched off, before anything of DSPy is used. A forked worker finds them in force.

    Returns:
        Seam name → `"on"`, `"off"`, or why the worker fell back to the public route.

    Raises:
        RuntimeError: They are in force already, and not with these switches.
    """
    global _in_force
    if _in_force is not None:
        before, report = _in_force
        if before != switches:
            raise RuntimeError(f"the seams were switched {before} before the fork, and are now to be {switches}")
        return report
    report = {}
    for name, install_seam in _SEAMS.items():
        if not switches.get(name, True):
            report[name] = "off"
            continue
        try:
            install_seam()
        except Exception as error:  # whatever a changed DSPy does here, the public route remains
            report[name] = f"{type(error).__name__}: {error}"
        else:
            report[name] = "on"
    _in_force = switches, report
    return report
