"""Typed trees from the host: the Python type that a node stands for, and input values made to fit it.

A node is `{kind: "str" | "int" | "float" | "bool" | "none"}`, `{kind: "list", item}`, `{kind: "dict", key, value}`,
`{kind: "literal", values}` or `{kind: "union", members}`; an input field may also be `{kind: "history"}`. Nothing is
evaluated: a tree that is not of these is refused.
"""

from typing import Any, Literal, Union

import dspy

from .errors import CallError

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_MEMBERS = 1_000

SCALARS: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "none": None}
_KEY_KINDS = frozenset(("str", "int", "float", "bool", "literal"))

_DOES_NOT_FIT = object()


def invalid_spec(path: str, reason: str) -> CallError:
    """The error of a spec that cannot be used; `path` is where in it the fault is."""
    return CallError("invalid_spec", f"{path}: {reason}", path=path)


class TypeBuilder:
    """Builds the types of one spec, within limits that hold for the whole of it."""

    def __init__(self) -> None:
        self._nodes = 0

    def build_input(self, node: Any, path: str) -> Any:
        """The same for an input field, which may also be the turns of a conversation. DSPy looks for these among the
        fields only, so they are no part of another type."""
        if isinstance(node, dict) and node.get("kind") == "history":
            return dspy.History
        return self.build(node, path)

    def build(self, node: Any, path: str, depth: int = 0) -> Any:
        """The Python type of a node.

        Raises:
            CallError: `invalid_spec` with the path of the fault.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise invalid_spec(path, f"more than {MAX_NODES} type nodes")
        if depth > MAX_DEPTH:
            raise invalid_spec(path, f"more than {MAX_DEPTH} levels of types")
        if not isinstance(node, dict):
            raise invalid_spec(path, "a type is a map with its kind")
        kind = node.get("kind")
        if isinstance(kind, str) and kind in SCALARS:
            return SCALARS[kind]
        match kind:
            case "list":
                item = node.get("item")
                return list if item is None else list[self.build(item, f"{path}.item", depth + 1)]
            case "dict":
                return self._dict(node, path, depth)
            case "literal":
                return Literal[tuple(_literals(node.get("values"), f"{path}.values"))]
            case "union":
                members = _members(node.get("members"), f"{path}.members")
                return Union[
                    tuple(self.build(member, f"{path}.members[{i}]", depth + 1) for i, member in enumerate(members))
                ]
        raise invalid_spec(f"{path}.kind", f"unknown kind of type {kind!r}")

    def _dict(self, node: dict[str, Any], path: str, depth: int) -> Any:
        key, value = node.get("key"), node.get("value")
        if key is None and value is None:
            return dict
        if key is None or value is None:
            raise invalid_spec(path, "a dict has both a key and a value type, or neither")
        if not isinstance(key, dict) or key.get("kind") not in _KEY_KINDS:
            raise invalid_spec(f"{path}.key", "the keys of a dict are texts, numbers, booleans or literals")
        return dict[self.build(key, f"{path}.key", depth + 1), self.build(value, f"{path}.value", depth + 1)]


def _members(members: Any, path: str) -> list[Any]:
    if not isinstance(members, list) or not 1 <= len(members) <= MAX_MEMBERS:
        raise invalid_spec(path, f"between 1 and {MAX_MEMBERS} are needed")
    return members


def _literals(values: Any, path: str) -> list[Any]:
    for index, value in enumerate(_members(values, path)):
        if value is not None and not isinstance(value, (str, int)):
            raise invalid_spec(f"{path}[{index}]", "a literal is a text, an integer, a boolean or null")
    return values


def fit(node: Any, value: Any) -> Any:
    """`value` as the type of a checked `node`: JavaScript has one kind of number, so an integer becomes a float where a
    float is wanted, and the reverse where nothing is lost; keys of maps are texts on the wire.

    Raises:
        Misfit: with the path of what does not fit.
    """
    fitted = _fit(node, value, strict=False)
    if fitted is _DOES_NOT_FIT:
        raise Misfit(describe(node))
    return fitted


class Misfit(Exception):
    """A value that does not fit its type."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def _fit(node: Any, value: Any, strict: bool) -> Any:
    match node["kind"]:
        case "str":
            return value if isinstance(value, str) else _DOES_NOT_FIT
        case "float":
            if isinstance(value, float):
                return value
            return float(value) if not strict and _is_integer(value) else _DOES_NOT_FIT
        case "int":
            if _is_integer(value):
                return value
            whole = not strict and isinstance(value, float) and value.is_integer()
            return int(value) if whole else _DOES_NOT_FIT
        case "bool":
            return value if isinstance(value, bool) else _DOES_NOT_FIT
        case "none":
            return None if value is None else _DOES_NOT_FIT
        case "literal":
            return _fit_literal(node["values"], value)
        case "list":
            return _fit_list(node.get("item"), value, strict)
        case "dict":
            return _fit_dict(node.get("key"), node.get("value"), value, strict)
        case "history":
            return _fit_history(value)
        case "union":
            # A member that takes the value as it is goes before one that has to change it.
            for exact in (True,) if strict else (True, False):
                for member in node["members"]:
                    fitted = _fit(member, value, exact)
                    if fitted is not _DOES_NOT_FIT:
                        return fitted
    return _DOES_NOT_FIT


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fit_literal(values: list[Any], value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    for literal in values:
        if type(literal) is type(value) and literal == value:
            return literal
    return _DOES_NOT_FIT


def _fit_list(item: Any, value: Any, strict: bool) -> Any:
    if not isinstance(value, list):
        return _DOES_NOT_FIT
    if item is None:
        return value
    fitted = [_fit(item, element, strict) for element in value]
    return _DOES_NOT_FIT if any(element is _DOES_NOT_FIT for element in fitted) else fitted


def _fit_dict(key: Any, item: Any, value: Any, strict: bool) -> Any:
    if not isinstance(value, dict):
        return _DOES_NOT_FIT
    if key is None:
        return value
    fitted = {}
    for name, element in value.items():
        fitted_key, fitted_value = _fit_key(key, name), _fit(item, element, strict)
        if fitted_key is _DOES_NOT_FIT or fitted_value is _DOES_NOT_FIT:
            return _DOES_NOT_FIT
        fitted[fitted_key] = fitted_value
    return fitted


def _fit_history(value: Any) -> Any:
    messages = value.get("messages") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return _DOES_NOT_FIT
    return dspy.History(messages=messages)


def _fit_key(node: Any, name: str) -> Any:
    """A map's key, whose text on the wire is its JSON form."""
    match node["kind"]:
        case "str":
            return name
        case "bool":
            return {"true": True, "false": False}.get(name, _DOES_NOT_FIT)
        case "literal":
            by_text = {"true" if v is True else "false" if v is False else "null" if v is None else str(v): v
                       for v in node["values"]}
            return by_text.get(name, _DOES_NOT_FIT)
        case kind:
            try:
                return SCALARS[kind](name)
            except ValueError:
                return _DOES_NOT_FIT


def describe(node: Any) -> str:
    """A checked node in Python's notation, for messages."""
    match node["kind"]:
        case "list":
            return "list" if node.get("item") is None else f"list[{describe(node['item'])}]"
        case "dict":
            if node.get("key") is None:
                return "dict"
            return f"dict[{describe(node['key'])}, {describe(node['value'])}]"
        case "literal":
            return f"Literal[{', '.join(map(repr, node['values']))}]"
        case "union":
            return " | ".join(describe(member) for member in node["members"])
        case "none":
            return "None"
        case "history":
            return "History"
        case kind:
            return str(kind)
