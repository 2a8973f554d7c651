"""Programs: DSPy modules made from specs that the host puts (`docs/protocol.md`, PUT).

A spec is `{module: "Predict" | "ChainOfThought", signature: {instructions, inputs: [field], outputs: [field]}}`, a field
`{name, type: node, desc}`. It is checked as input of a stranger: nothing in it is evaluated, and DSPy gets types and
fields, never a signature as text.
"""

import keyword
from collections import OrderedDict
from typing import Any

import dspy

from .errors import CallError
from .field_streams import run_streaming
from .streams import CallStream
from .type_nodes import Misfit, TypeBuilder, fit, invalid_spec

MAX_PROGRAMS = 1_024
"""Specs that a worker keeps; the host puts an older one again."""

MAX_FIELDS = 256
MAX_NAME_CHARS = 256
MAX_TEXT_CHARS = 1024 * 1024

_MODULES = {"Predict": dspy.Predict, "ChainOfThought": dspy.ChainOfThought}

# Names that collide with attributes of a signature class.
_SIGNATURE_NAMES = frozenset(("signature", "instructions", "fields", "input_fields", "output_fields"))

# Input names that Predict, or a method it is called through, takes for itself.
_PRIVILEGED_INPUTS = frozenset(
    ("self", "instance", "completions", "demos", "config", "lm", "new_signature", "prediction")
)


class Program:
    """A spec that was checked, and the module made from it. Modules are shared by calls and never changed."""

    def __init__(self, spec: Any) -> None:
        """Raises:
        CallError: `invalid_spec` with the path of the fault.
        """
        if not isinstance(spec, dict):
            raise invalid_spec("spec", "a spec is a map")
        make = _MODULES.get(spec["module"]) if isinstance(spec.get("module"), str) else None
        if make is None:
            raise invalid_spec("module", f"one of {', '.join(_MODULES)} is needed, not {spec.get('module')!r}")
        signature = spec.get("signature")
        if not isinstance(signature, dict):
            raise invalid_spec("signature", "a signature is a map")
        instructions = _text(signature.get("instructions"), "signature.instructions")
        fields = _Fields(signature)
        if spec["module"] == "ChainOfThought" and "reasoning" in fields.dspy_fields:
            raise invalid_spec("signature", "ChainOfThought adds the field 'reasoning' itself")
        self._inputs = fields.inputs
        try:
            self.module: Any = make(dspy.make_signature(fields.dspy_fields, instructions))
        except Exception as error:  # pydantic and DSPy refuse names and types with errors of many classes
            raise invalid_spec("signature", f"DSPy refuses it: {error}") from error

    async def run(self, inputs: dict[str, Any], stream: CallStream | None) -> Any:
        """DSPy's prediction for fitted inputs; text fields go to `stream` while they arrive."""
        if stream is None:
            return await self.module.acall(**inputs)
        return await run_streaming(self.module, inputs, stream)

    def fit_input(self, values: Any) -> dict[str, Any]:
        """The inputs of a call as the fields' types.

        Raises:
            CallError: `invalid_input` naming the field that is missing, unknown or of another type.
        """
        if not isinstance(values, dict):
            raise CallError("invalid_input", "the input of a program is a map of its input fields")
        for name in values:
            if name not in self._inputs:
                expected = ", ".join(self._inputs)
                raise CallError("invalid_input", f"unknown input field {name!r}; expected: {expected}", field=name)
        fitted = {}
        for name, node in self._inputs.items():
            if name not in values:
                raise CallError("invalid_input", f"input field {name!r} is missing", field=name)
            try:
                fitted[name] = fit(node, values[name])
            except Misfit as misfit:
                raise CallError("invalid_input", f"input field {name!r} must be {misfit.expected}", field=name) from None
        return fitted


class _Fields:
    """The fields of a signature, checked."""

    def __init__(self, signature: dict[str, Any]) -> None:
        self.inputs: dict[str, Any] = {}
        self.dspy_fields: dict[str, tuple[Any, Any]] = {}
        self._types = TypeBuilder()
        for side, make in (("inputs", dspy.InputField), ("outputs", dspy.OutputField)):
            path = f"signature.{side}"
            fields = signature.get(side)
            if not isinstance(fields, list):
                raise invalid_spec(path, "a list of fields is needed")
            if len(fields) > MAX_FIELDS:
                raise invalid_spec(path, f"more than {MAX_FIELDS} fields")
            for index, field in enumerate(fields):
                self._add(field, f"{path}[{index}]", side, make)

    def _add(self, field: Any, path: str, side: str, make: Any) -> None:
        if not isinstance(field, dict):
            raise invalid_spec(path, "a field is a map")
        name = _name(field.get("name"), f"{path}.name", side)
        if name in self.dspy_fields:
            raise invalid_spec(f"{path}.name", f"there are two fields {name!r}")
        build = self._types.build_input if side == "inputs" else self._types.build
        kind = build(field.get("type"), f"{path}.type")
        desc = _text(field.get("desc"), f"{path}.desc")
        self.dspy_fields[name] = (kind, make() if desc is None else make(desc=desc))
        if side == "inputs":
            self.inputs[name] = field["type"]


def _name(name: Any, path: str, side: str) -> str:
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS or not name.isidentifier() or keyword.iskeyword(name):
        raise invalid_spec(path, f"a Python identifier is needed, not {name!r:.100}")
    if name.startswith("_"):
        raise invalid_spec(path, f"{name!r} begins with an underscore")
    if name in _SIGNATURE_NAMES or (side == "inputs" and name in _PRIVILEGED_INPUTS):
        raise invalid_spec(path, f"DSPy keeps the name {name!r} for itself")
    return name


def _text(text: Any, path: str) -> str | None:
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT_CHARS):
        raise invalid_spec(path, f"a text of at most {MAX_TEXT_CHARS} characters is needed, or null")
    return text


class Programs:
    """The specs that this worker knows, made into programs when first called. Keeps the last 1,024 used."""

    def __init__(self) -> None:
        self._specs: OrderedDict[str, Any] = OrderedDict()

    def put(self, hash: str, spec: Any) -> None:
        """Keeps a spec. What is wrong with it is said to the calls that name it: PUT has no answer."""
        self._specs.setdefault(hash, spec)
        self._specs.move_to_end(hash)
        if len(self._specs) > MAX_PROGRAMS:
            self._specs.popitem(last=False)

    def get(self, hash: str) -> Program:
        """Raises:
        CallError: `unknown_spec`, or `invalid_spec` with the path of the fault.
        """
        known = self._specs.get(hash)
        if known is None:
            raise CallError("unknown_spec", f"no spec {hash!r} here; put it again", hash=hash)
        self._specs.move_to_end(hash)
        if not isinstance(known, Program):
            known = self._specs[hash] = Program(known)
        return known
