"""A DSPy program of a user's own: its output is a pydantic model among others, which a signature's text cannot name."""

from typing import Any

import dspy
from dspy_programs import PROGRAMS

_triage = dspy.Predict(PROGRAMS["typed"])


async def triage(ticket: str) -> dict[str, Any]:
    """The fields of the prediction."""
    return (await _triage.acall(ticket=ticket)).toDict()
