"""Specs of strangers: what becomes a DSPy module, and what is refused and why."""

from typing import Literal, Optional, Union

import dspy
import pytest

from dspex_bridge.errors import CallError
from dspex_bridge.programs import MAX_PROGRAMS, Program, Programs
from dspex_bridge.type_nodes import MAX_DEPTH, Misfit, TypeBuilder, describe, fit

STR, INT, FLOAT, BOOL, NONE = ({"kind": kind} for kind in ("str", "int", "float", "bool", "none"))


def list_of(item=None):
    return {"kind": "list", "item": item}


def dict_of(key=None, value=None):
    return {"kind": "dict", "key": key, "value": value}


def literal(*values):
    return {"kind": "literal", "values": list(values)}


def union(*members):
    return {"kind": "union", "members": list(members)}


def field(name, type=STR, desc=None):
    return {"name": name, "type": type, "desc": desc}


def spec(inputs=(field("question"),), outputs=(field("answer"),), module="Predict", instructions=None):
    signature = {"instructions": instructions, "inputs": list(inputs), "outputs": list(outputs)}
    return {"module": module, "signature": signature}


class TestTypes:
    @pytest.mark.parametrize(
        ("node", "kind"),
        [
            (STR, str),
            (INT, int),
            (FLOAT, float),
            (BOOL, bool),
            (NONE, None),
            (list_of(), list),
            (list_of(STR), list[str]),
            (dict_of(), dict),
            (dict_of(STR, list_of(INT)), dict[str, list[int]]),
            (literal("a", 1, True, None), Literal["a", 1, True, None]),
            (union(STR, NONE), Optional[str]),
            (union(INT, list_of(FLOAT)), Union[int, list[float]]),
            (union(STR), str),
        ],
    )
    def test_builds_the_type_of_a_tree(self, node, kind):
        assert TypeBuilder().build(node, "type") == kind

    @pytest.mark.parametrize(
        ("node", "path"),
        [
            (None, "type"),
            ("int", "type"),
            ([], "type"),
            ({}, "type.kind"),
            ({"kind": "object"}, "type.kind"),
            ({"kind": ["str"]}, "type.kind"),
            ({"kind": "__import__('os')"}, "type.kind"),
            (list_of("str"), "type.item"),
            (list_of(list_of({"kind": 1})), "type.item.item.kind"),
            (dict_of(STR), "type"),
            (dict_of(None, STR), "type"),
            (dict_of(list_of(), STR), "type.key"),
            (dict_of(NONE, STR), "type.key"),
            (literal(), "type.values"),
            ({"kind": "literal", "values": "ab"}, "type.values"),
            (literal("a", 1.5), "type.values[1]"),
            (literal([]), "type.values[0]"),
            (union(), "type.members"),
            (union(STR, {"kind": "x"}), "type.members[1].kind"),
            ({"kind": "union", "members": [STR] * 1001}, "type.members"),
        ],
    )
    def test_refuses_any_other_tree_with_the_place_of_the_fault(self, node, path):
        with pytest.raises(CallError) as refused:
            TypeBuilder().build(node, "type")
        assert (refused.value.code, refused.value.details["path"]) == ("invalid_spec", path)

    def test_g4_refuses_a_tree_that_is_too_deep_or_too_large(self):
        deep = STR
        for _ in range(MAX_DEPTH + 1):
            deep = list_of(deep)
        wide = union(*[union(*[STR] * 1000)] * 11)
        for node in (deep, wide):
            with pytest.raises(CallError, match="more than"):
                TypeBuilder().build(node, "type")


class TestHistory:
    HISTORY = {"kind": "history"}
    TURNS = {"messages": [{"question": "why", "answer": "because"}, {"question": "and?", "answer": "so"}]}

    def test_an_input_may_be_the_turns_of_a_conversation(self):
        made = Program(spec([field("question"), field("history", self.HISTORY)]))
        fitted = made.fit_input({"question": "then?", "history": self.TURNS})
        assert fitted == {"question": "then?", "history": dspy.History(messages=self.TURNS["messages"])}
        messages = dspy.ChatAdapter().format(made.module.signature, [], fitted)
        assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * 2, "user"]
        assert "because" in messages[2]["content"]

    @pytest.mark.parametrize(
        ("side", "type"),
        [("outputs", HISTORY), ("inputs", list_of(HISTORY)), ("inputs", union(HISTORY, NONE))],
    )
    def test_it_stands_nowhere_else(self, side, type):
        with pytest.raises(CallError) as refused:
            Program(spec(**{side: [field("history", type)]}))
        assert refused.value.code == "invalid_spec"

    @pytest.mark.parametrize(
        "value", [None, [], {}, {"messages": None}, {"messages": ["a"]}, {"messages": [], "other": 1}, "text"]
    )
    def test_refuses_what_is_no_history(self, value):
        with pytest.raises(Misfit, match="History"):
            fit(self.HISTORY, value)


class TestFit:
    @pytest.mark.parametrize(
        ("node", "value", "fitted"),
        [
            (STR, "a", "a"),
            (FLOAT, 3, 3.0),
            (FLOAT, 1.5, 1.5),
            (INT, 3, 3),
            (INT, 3.0, 3),
            (INT, 2**60, 2**60),
            (BOOL, True, True),
            (NONE, None, None),
            (list_of(), [1, "a"], [1, "a"]),
            (list_of(FLOAT), [1, 2.5], [1.0, 2.5]),
            (dict_of(), {"a": 1}, {"a": 1}),
            (dict_of(INT, FLOAT), {"1": 2}, {1: 2.0}),
            (dict_of(FLOAT, STR), {"1.5": "a"}, {1.5: "a"}),
            (dict_of(BOOL, STR), {"true": "a"}, {True: "a"}),
            (dict_of(literal("a", 1), STR), {"a": "x", "1": "y"}, {"a": "x", 1: "y"}),
            (literal("a", 1), 1, 1),
            (literal(1, 2), 2.0, 2),
            (literal(True), True, True),
            (literal(None), None, None),
            (union(STR, NONE), None, None),
            (union(INT, FLOAT), 3, 3),
            (union(FLOAT, STR), 3, 3.0),
            (union(FLOAT, INT), 3, 3),
            (union(list_of(FLOAT), list_of(INT)), [1], [1]),
        ],
    )
    def test_takes_a_value_as_its_type(self, node, value, fitted):
        made = fit(node, value)
        assert made == fitted
        assert repr(made) == repr(fitted)

    @pytest.mark.parametrize(
        ("node", "value"),
        [
            (STR, 3),
            (STR, None),
            (INT, "3"),
            (INT, 3.5),
            (INT, True),
            (INT, float("nan")),
            (FLOAT, True),
            (FLOAT, "1"),
            (BOOL, 1),
            (NONE, 0),
            (list_of(STR), "ab"),
            (list_of(STR), ["a", 1]),
            (dict_of(STR, INT), ["a"]),
            (dict_of(INT, STR), {"x": "a"}),
            (dict_of(BOOL, STR), {"1": "a"}),
            (dict_of(STR, INT), {"a": "b"}),
            (literal("a"), "b"),
            (literal(1), True),
            (literal(True), 1),
            (union(INT, NONE), "a"),
        ],
    )
    def test_refuses_a_value_of_another_type(self, node, value):
        with pytest.raises(Misfit) as refused:
            fit(node, value)
        assert refused.value.expected == describe(node)

    def test_describes_types_in_pythons_notation(self):
        node = union(dict_of(STR, list_of(literal("a", 1))), list_of(), dict_of(), NONE)
        assert describe(node) == "dict[str, list[Literal['a', 1]]] | list | dict | None"


class TestSpecs:
    def test_makes_the_module_that_dspy_makes_of_the_same_signature(self):
        made = Program(spec([field("question", desc="what is asked"), field("n", INT)], [field("answer", list_of(STR))]))
        same = dspy.Signature("question: str, n: int -> answer: list[str]").with_updated_fields(
            "question", desc="what is asked"
        )
        assert isinstance(made.module, dspy.Predict)
        adapter = dspy.ChatAdapter()
        inputs = {"question": "?", "n": 1}
        assert adapter.format(made.module.signature, [], inputs) == adapter.format(same, [], inputs)

    def test_instructions_may_be_given_or_left_to_dspy(self):
        assert Program(spec(instructions="Be brief.")).module.signature.instructions == "Be brief."
        assert "produce the fields `answer`" in Program(spec()).module.signature.instructions

    def test_chain_of_thought_has_its_reasoning(self):
        made = Program(spec(module="ChainOfThought"))
        assert isinstance(made.module, dspy.ChainOfThought)
        with pytest.raises(CallError, match="reasoning"):
            Program(spec(outputs=[field("reasoning")], module="ChainOfThought"))

    @pytest.mark.parametrize(
        ("bad", "path"),
        [
            (None, "spec"),
            ([], "spec"),
            ({}, "module"),
            ({"module": "ReAct", "signature": {}}, "module"),
            ({"module": ["Predict"], "signature": {}}, "module"),
            ({"module": "__class__", "signature": {}}, "module"),
            ({"module": "Predict", "signature": "question -> answer"}, "signature"),
            ({"module": "Predict", "signature": {"inputs": []}}, "signature.outputs"),
            (spec(instructions=3), "signature.instructions"),
            (spec(instructions="x" * 2**21), "signature.instructions"),
            (spec(inputs=["question"]), "signature.inputs[0]"),
            (spec(outputs=[field("a"), field("b", desc=1)]), "signature.outputs[1].desc"),
            (spec(outputs=[field("a", None)]), "signature.outputs[0].type"),
            (spec(inputs=[field(f"f{n}") for n in range(300)]), "signature.inputs"),
            (spec(inputs=[field("same")], outputs=[field("same")]), "signature.outputs[0].name"),
            (spec(inputs=[field("same"), field("same")]), "signature.inputs[1].name"),
        ],
    )
    def test_refuses_any_other_spec_with_the_place_of_the_fault(self, bad, path):
        with pytest.raises(CallError) as refused:
            Program(bad)
        assert (refused.value.code, refused.value.details["path"]) == ("invalid_spec", path)

    @pytest.mark.parametrize(
        "name",
        [None, 3, "", "a b", "a-b", "1a", "class", "None", "_trace", "__doc__", "signature", "instructions", "fields",
         "input_fields", "output_fields", "model_dump", "model_config", "a\n[[ ## b ## ]]", "x" * 300],
    )  # fmt: skip
    @pytest.mark.parametrize("side", ["inputs", "outputs"])
    def test_refuses_a_name_that_cannot_be_a_field(self, side, name):
        with pytest.raises(CallError, match="signature"):
            Program(spec(**{side: [field(name)]}))

    @pytest.mark.parametrize(
        "name", ["self", "instance", "completions", "demos", "config", "lm", "new_signature", "prediction"]
    )
    def test_refuses_an_input_that_dspy_keeps_for_itself(self, name):
        with pytest.raises(CallError, match="for itself"):
            Program(spec(inputs=[field(name)]))
        Program(spec(outputs=[field(name)]))

    @pytest.mark.filterwarnings("ignore:Field name")
    def test_names_that_only_shadow_are_taken(self):
        Program(spec([field(name) for name in ("copy", "json", "schema", "history", "naïve")], [field("match")]))


class TestInputs:
    PROGRAM = Program(spec([field("question"), field("score", union(FLOAT, NONE))]))

    def test_inputs_become_their_types(self):
        fitted = self.PROGRAM.fit_input({"question": "?", "score": 1})
        assert repr(fitted) == "{'question': '?', 'score': 1.0}"

    @pytest.mark.parametrize(
        ("values", "field_name"),
        [
            ({"question": "?"}, "score"),
            ({"question": "?", "score": None, "lm": 1}, "lm"),
            ({"question": 1, "score": None}, "question"),
            ({"question": "?", "score": "high"}, "score"),
        ],
    )
    def test_an_input_that_does_not_fit_is_named(self, values, field_name):
        with pytest.raises(CallError) as refused:
            self.PROGRAM.fit_input(values)
        assert (refused.value.code, refused.value.details) == ("invalid_input", {"field": field_name})
        assert repr(field_name) in str(refused.value)

    def test_an_input_that_is_no_map_is_refused(self):
        with pytest.raises(CallError, match="map"):
            self.PROGRAM.fit_input(["?"])


class TestTable:
    def test_g4_keeps_the_last_specs_that_were_used(self):
        programs = Programs()
        programs.put("kept", spec())
        programs.put("forgotten", spec())
        for number in range(MAX_PROGRAMS - 2):
            programs.put(str(number), spec())
        programs.get("kept")
        programs.put("one more", spec())
        programs.get("kept")
        with pytest.raises(CallError) as refused:
            programs.get("forgotten")
        assert refused.value.code == "unknown_spec"

    def test_makes_a_program_once(self):
        programs = Programs()
        programs.put("h", spec())
        made = programs.get("h")
        programs.put("h", spec())
        assert programs.get("h") is made
