"""Calls that must come out alike whichever seams are in force: what the host is asked, and what the caller gets.

Each case is a coroutine function of this module that runs inside of a worker, under the endpoint of its own name;
`replies` are what the host answers, in order.
"""

import asyncio
import datetime
import decimal
import enum
import warnings
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, Union

import dspy
import pydantic
from dspy.adapters.types.decision import Choice, Noul, Score
from dspy.utils.callback import BaseCallback

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

replies: dict[str, list[Any]] = {}
cases: dict[str, Callable[[], Any]] = {}


def text(value: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": None,
        "model": "scripted",
        "message": {"role": "assistant", "parts": [{"type": "text", "text": value}]},
        "finish_reason": "stop",
        "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8},
        **changes,
    }


def parts(*parts: Any, **changes: Any) -> dict[str, Any]:
    return text("", message={"role": "assistant", "parts": list(parts)}, **changes)


def fields(**values: str) -> dict[str, Any]:
    return text("\n\n".join([*(f"[[ ## {name} ## ]]\n{value}" for name, value in values.items()), "[[ ## completed ## ]]"]))


def error(name: str | None, message: str) -> dict[str, Any]:
    return {"error": {"code": "ERR_LM", "message": message, "details": {} if name is None else {"lm": name}}}


ANSWER = fields(answer="42")


def case(*answers: Any):
    """Registers a case and the host's replies to it, one of which may be an error."""

    def register(run: Callable[[], Any]) -> Callable[[], Any]:
        cases[run.__name__] = run
        replies[run.__name__] = list(answers) or [ANSWER]
        return run

    return register


async def run(name: str) -> str:
    """Runs a case; what the caller got, as text."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            outcome = repr(await cases[name]())
        except Exception as failure:
            outcome = f"{type(failure).__name__}: {failure} from {type(failure.__cause__).__name__}"
    return f"{outcome} {sorted({str(warning.message) for warning in warned})}"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    born: datetime.date | None = None
    tags: list[str] = []


class Text(str):
    pass


def signature(instructions: str | None = None, **types: Any) -> Any:
    """`question` plus inputs named in_… and outputs of the given types."""
    made: dict[str, Any] = {"question": (str, dspy.InputField())}
    for name, kind in types.items():
        field = dspy.InputField() if name.startswith("in_") else dspy.OutputField()
        made[name] = (kind, field)
    return dspy.make_signature(made, instructions)


QA = signature(answer=str)


async def ask(made: Any = QA, module: Any = dspy.Predict, **inputs: Any) -> Any:
    return await module(made).acall(**{"question": "why?", **inputs})


# Inputs

for _name, _value in {
    "int": 3,
    "none": None,
    "float": 1.5,
    "list": ["a", "b\nc", "«d»"],
    "empty_list": [],
    "mixed_list": [1, "a"],
    "dict": {"b": [1, None], "a": {"x": datetime.date(2026, 1, 2)}},
    "bytes": b"\x00\xff",
    "set": {"a"},
    "enum": Colour.RED,
    "date": datetime.date(2026, 1, 2),
    "decimal": decimal.Decimal("1.50"),
    "model": Person(name="Ada", born=datetime.date(1815, 12, 10)),
    "model_list": [Person(name="Ada"), Person(name="Bob", tags=["x"])],
    "str_subclass": Text("text"),
    "surrogate": "a\ud83d",
    "beyond_ascii": "naïve 答え 🐍",
    "empty": "",
    "header": "[[ ## answer ## ]]\nno",
}.items():

    async def _ask_input(value=_value):
        return await ask(question=value)

    _ask_input.__name__ = f"input_{_name}"
    case()(_ask_input)


# Outputs

for _name, (_kind, _reply) in {
    "int": (int, "3"),
    "int_bad": (int, "three"),
    "float": (float, "0.5"),
    "bool": (bool, "yes"),
    "literal": (Literal["a", "b"], "b"),
    "literal_bad": (Literal["a", "b"], "c"),
    "literal_int": (Literal[1, 2], "2"),
    "optional": (Optional[int], "None"),
    "optional_str": (Optional[str], "null"),
    "union_int_str": (Union[int, str], "3"),
    "union_str_int": (Union[str, int], "3"),
    "enum": (Colour, "red"),
    "list": (list[str], '["x", "y"]'),
    "list_model": (list[Person], '[{"name": "Ada"}]'),
    "dict": (dict[str, int], '{"a": 1}'),
    "dict_int": (dict[int, str], '{"1": "a"}'),
    "model": (Person, '{"name": "Ada", "born": "1815-12-10"}'),
    "model_bad": (Person, '{"nom": "Ada"}'),
    "datetime": (datetime.datetime, "2026-01-02T03:04:05"),
    "any": (Any, "{1: 2}"),
    "code": (dspy.Code, "```python\nx = 1\n```"),
    "reasoning": (dspy.Reasoning, "because"),
}.items():

    async def _ask_output(kind=_kind):
        return await ask(signature(answer=kind))

    _ask_output.__name__ = f"output_{_name}"
    # The JSON adapter's second attempt gets the same value as a JSON object.
    case(fields(answer=_reply), text('{"answer": %s}' % (_reply if _reply[0] in "[{0123456789" else f'"{_reply[:9]}"')))(_ask_output)


@case(fields(answer="1"), fields(answer="1"))
async def equal_types_that_parse_differently():
    return [await ask(signature(answer=kind)) for kind in (Union[int, str], Union[str, int])]


@case()
async def image():
    return await ask(signature(in_image=dspy.Image, answer=str), in_image=dspy.Image(url=PIXEL))


@case()
async def history():
    past = dspy.History(messages=[{"question": "before?", "answer": "yes"}, {"question": "and?", "answer": "no"}])
    return await ask(signature(in_past=dspy.History, answer=str), in_past=past)


# Signatures


@case()
async def instructions():
    return await ask(signature("Answer in\n  two lines.", answer=str))


@case(ANSWER, ANSWER, ANSWER)
async def instructions_changed_in_place():
    made = signature("First.", answer=str)
    program = dspy.Predict(made)
    await program.acall(question="1")
    made.instructions = "Second."
    await program.acall(question="2")
    program.signature = program.signature.with_instructions("Third.")
    return await program.acall(question="3")


@case(ANSWER, ANSWER, ANSWER)
async def fields_changed_in_place():
    made = signature(answer=str)
    program = dspy.Predict(made)
    await program.acall(question="1")
    made.output_fields["answer"].json_schema_extra["desc"] = "changed"
    await program.acall(question="2")
    made.input_fields.clear()  # of a copy
    return await program.acall(question="3")


@case(fields(answer="42", more="1"), fields(first="0", answer="42"))
async def fields_added():
    appended = QA.append("more", dspy.OutputField(desc="more"), int)
    first = QA.prepend("first", dspy.OutputField(), str)
    changed = QA.with_updated_fields("question", desc="what is asked")
    return [await ask(appended), await ask(first), changed.input_fields["question"].json_schema_extra["desc"]]


@case(fields(answer="5"))
async def constraints():
    made = dspy.make_signature(
        {"question": (str, dspy.InputField(min_length=2)), "answer": (int, dspy.OutputField(ge=0, desc="a number"))}
    )
    return await ask(made)


# Decisions


def _decision(**outputs: Any) -> Any:
    made: dict[str, Any] = {"question": (str, dspy.InputField())}
    made.update({name: (kind, dspy.OutputField(desc="how sure")) for name, kind in outputs.items()})
    return dspy.make_signature(made)


for _name, _kind in {
    "alone": Noul,
    "annotated": Annotated[bool, Noul],
    "annotated_and_nested": list[Annotated[bool, Noul]],
    "nested": list[Noul],
    "optional": Optional[Noul],
    "score": Score["low", "high"],
    "choice": Choice["red", "blue"],
}.items():

    async def _ask_decision(kind=_kind):
        # Twice by one program: the second finds what the first has kept.
        program = dspy.Predict(_decision(answer=kind, plain=str))
        return [await _outcome_of(program.acall(question="why?")) for _ in range(2)]

    _ask_decision.__name__ = f"decision_{_name}"
    case(*[fields(answer='{"value": true, "confidence": 0.5}', plain="x")] * 2, *[text("{}")] * 2)(_ask_decision)


async def _outcome_of(answer: Any) -> tuple[str, int]:
    """What an answer comes to, and how often it warns of decisions that it cannot decode."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            outcome = repr(await answer)
        except Exception as failure:
            outcome = f"{type(failure).__name__}: {failure}"
    return outcome, sum("Decision" in str(warning.message) for warning in warned)


@case(fields(answer="true"), fields(answer='{"value": true, "confidence": 0.5}'))
async def decision_asked_later():
    made = _decision(answer=bool)
    first = await _outcome_of(dspy.Predict(made).acall(question="1"))
    made.__pydantic_fields__["answer"].metadata.append(Noul)
    return [first, await _outcome_of(dspy.Predict(made).acall(question="2"))]


# Settings around a call


@case(ANSWER, ANSWER)
async def contexts_in_contexts():
    seen = []
    with dspy.context(rm="outer", max_errors=3):
        with dspy.context(rm="inner"):
            await ask()
            seen.append((dspy.settings.rm, dspy.settings.max_errors))
        try:
            with dspy.context(max_errors=4):
                raise ValueError
        except ValueError:
            seen.append((dspy.settings.rm, dspy.settings.max_errors))
    return [*seen, dspy.settings.rm, sorted(dspy.settings.copy())]


@case()
async def context_as_a_decorator():
    @dspy.context(rm="decorated")
    def read():
        return dspy.settings.rm

    return [read(), read(), dspy.settings.rm]


@case(*[ANSWER] * 6)
async def contexts_of_tasks_and_threads():
    async def in_task(name: str) -> Any:
        with dspy.context(rm=name):
            await ask()
            return await asyncio.to_thread(lambda: dspy.settings.rm), dspy.settings.rm

    return await asyncio.gather(*map(in_task, "abc")), dspy.settings.rm


# Modules, adapters and demos


@case(fields(reasoning="because", answer="42"))
async def chain_of_thought():
    return await ask(module=dspy.ChainOfThought)


@case()
async def demos():
    program = dspy.Predict(QA)
    program.demos = [dspy.Example(question="1?", answer="one"), {"question": "2?", "answer": "two"}, {"answer": "three"}]
    return await program.acall(question="4?")


@case(text('{"answer": "42"}'))
async def json_adapter():
    with dspy.context(adapter=dspy.JSONAdapter()):
        return await ask()


@case(text("<answer>42</answer>"))
async def xml_adapter():
    with dspy.context(adapter=dspy.XMLAdapter()):
        return await ask()


@case(text("garbage"), text('{"answer": "second"}'))
async def second_attempt():
    return await ask()


@case(text("garbage"), text("garbage again"))
async def second_attempt_fails():
    return await ask()


@case(text("garbage"))
async def no_second_attempt():
    with dspy.context(adapter=dspy.ChatAdapter(use_json_adapter_fallback=False)):
        return await ask()


@case(text("Thinking. [[ ## next_thought ## ]]"), *[fields(next_thought="t", next_tool_name="finish", next_tool_args="{}")] * 2, fields(reasoning="r", answer="42"))
async def react():
    return (await dspy.ReAct(QA, tools=[lambda x: x], max_iters=2).acall(question="why?")).answer


# Parameters

for _name, _config in {
    "temperature": {"temperature": 0.25},
    "zero": {"temperature": 0.0, "seed": 0},
    "many": {"max_tokens": 7, "top_p": 0.5, "stop": ["a", "b"], "seed": 3, "presence_penalty": 0.5},
    "stop_text": {"stop": "end"},
    "none": {"temperature": None, "max_tokens": None},
    "unknown": {"foo": 1},
    "bad": {"temperature": "hot"},
    "negative": {"max_tokens": -1},
    "rollout": {"rollout_id": 3, "temperature": 0.5},
    "rollout_cold": {"rollout_id": 3, "temperature": 0},
    "n_two": {"n": 2},
    "n_bad": {"n": 0},
    "n_true": {"n": True},
    "logprobs": {"logprobs": True},
    "extra_body": {"extra_body": {"x": 1}},
    "api_key": {"api_key": "k"},
    "timeout": {"timeout": 3},
    "cache": {"cache": False},
    "retries": {"num_retries": 1},
    "json": {"response_format": {"type": "json_object"}},
    "reasoning_effort": {"reasoning_effort": "low"},
    "user": {"user": "u", "metadata": {"a": "b"}},
    "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]},
}.items():

    async def _ask_config(config=_config):
        return await ask(config=config)

    _ask_config.__name__ = f"config_{_name}"
    case(ANSWER, ANSWER)(_ask_config)


# Responses

for _name, _reply in {
    "cut_off": text(ANSWER["message"]["parts"][0]["text"], finish_reason="length"),
    "thinking": parts({"type": "thinking", "text": "hm"}, *ANSWER["message"]["parts"]),
    "two_parts": parts({"type": "text", "text": "[[ ## answer ## ]]\n4"}, {"type": "text", "text": "2"}),
    "tool_call": parts({"type": "tool_call", "id": "1", "name": "f", "input": {"a": 1}}),
    "refusal": parts({"type": "refusal", "text": "no"}),
    "no_parts": parts(),
    "empty": text(""),
    "no_usage": {**ANSWER, "usage": None},
    "odd_usage": {**ANSWER, "usage": {"input_tokens": -1}},
    "cached_usage": {**ANSWER, "usage": {"input_tokens": 1, "cache_read_tokens": 1}},
    "further_keys": {**ANSWER, "future": 1},
    "id": {**ANSWER, "id": "r-1"},
    "no_model": {key: value for key, value in ANSWER.items() if key != "model"},
    "odd_model": {**ANSWER, "model": ""},
    "odd_reason": {**ANSWER, "finish_reason": "bored"},
    "odd_role": {**ANSWER, "message": {**ANSWER["message"], "role": "user"}},
    "odd_text": parts({"type": "text", "text": 3}),
    "odd_part": parts({"type": "nothing"}),
    "null": None,
    "list": [],
    "rate_limit": error("LMRateLimitError", "slow down"),
    "auth": error("LMAuthError", "who?"),
    "context_window": error("ContextWindowExceededError", "too long"),
    "hint": error("LMInvalidRequestError", "use /v1/responses instead"),
    "unnamed": error(None, "odd"),
}.items():

    async def _ask_reply():
        return await ask()

    _ask_reply.__name__ = f"reply_{_name}"
    case(_reply, text('{"answer": "second"}'))(_ask_reply)


# Settings of the user's own


@case()
async def usage_tracked():
    with dspy.track_usage() as tracker:
        await ask()
    return tracker.get_total_tokens()


@case()
async def history_kept():
    lm = dspy.settings.lm.copy()
    with dspy.context(lm=lm, disable_history=False, max_history_size=10):
        await ask()
    return [(entry["messages"], entry["outputs"], entry["usage"]) for entry in lm.history]


@case()
async def callbacks():
    heard: list[Any] = []

    class Listener(BaseCallback):
        def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
            heard.append(inputs["messages"])

        def on_lm_end(self, call_id: str, outputs: Any, exception: Any = None) -> None:
            heard.append(outputs)

    with dspy.context(callbacks=[Listener()]):
        await ask()
    return heard


# The LM itself

USER = {"role": "user", "content": "u"}

for _name, _messages in {
    "user": [USER],
    "system": [{"role": "system", "content": "s"}, USER],
    "system_alone": [{"role": "system", "content": "s"}],
    "system_later": [USER, {"role": "system", "content": "s"}],
    "developer": [{"role": "developer", "content": "d"}, USER],
    "assistant": [USER, {"role": "assistant", "content": "a"}, USER],
    "empty_assistant": [USER, {"role": "assistant", "content": ""}, USER],
    "empty_user": [{"role": "user", "content": ""}],
    "name": [{**USER, "name": "n"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "t"}]}],
    "tool": [USER, {"role": "tool", "tool_call_id": "1", "content": "x"}],
    "odd_role": [{"role": "robot", "content": "x"}],
    "no_content": [{"role": "user"}],
    "surrogate": [{"role": "user", "content": "\udc00"}],
    "empty": [],
}.items():

    async def _ask_messages(messages=_messages):
        return await dspy.settings.lm.acall(messages=messages)

    _ask_messages.__name__ = f"messages_{_name}"
    case(text("hello"))(_ask_messages)


@case(text("hello"))
async def prompt():
    return await dspy.settings.lm.acall("hello")


@case(text("hello"))
async def copied_lm():
    return await dspy.settings.lm.copy(temperature=0.75).acall(messages=[USER])
