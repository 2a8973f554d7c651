"""The programs of the `predict` benchmarks as Python has them, and what their model says."""

from typing import Any, Literal

import dspy
import pydantic


class Findings(pydantic.BaseModel):
    """What a ticket is about."""

    topics: list[str]
    scores: dict[str, float]


class Triage(dspy.Signature):
    """Classify the ticket."""

    ticket: str = dspy.InputField()
    urgency: Literal["low", "medium", "high"] = dspy.OutputField()
    confidence: float = dspy.OutputField()
    findings: Findings = dspy.OutputField()


PROGRAMS: dict[str, Any] = {"plain": "question -> answer", "typed": Triage}


def reply_to(system: str) -> str:
    """What the model says to a program with this system message."""
    return TYPED_REPLY if "urgency" in system else PLAIN_REPLY


PLAIN_REPLY = "[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]"

TYPED_REPLY = """[[ ## urgency ## ]]
high

[[ ## confidence ## ]]
0.75

[[ ## findings ## ]]
{"topics": ["refund", "delivery"], "scores": {"refund": 0.5, "delivery": 0.25}}

[[ ## completed ## ]]"""
