"""DSPy behind FastAPI as its deployment guide shows it, `dspy.asyncify` with its default of 8 threads; the model is in this process."""

import os
import time
from typing import Any

import dspy
from dspy import lm15
from dspy_programs import PROGRAMS, reply_to
from dspy_service import service


class Model:
    """An engine, as DSPy documents one, that answers after a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def complete(self, request: lm15.Request) -> lm15.Response:
        if self._seconds > 0:
            time.sleep(self._seconds)
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(reply_to(str(request.system))),
            finish_reason="stop",
            usage=lm15.Usage(),
        )


dspy.configure(lm=dspy.LM("bench", engine=Model(float(os.environ["BENCH_LM_SECONDS"])), cache=False))
app = service({name: dspy.asyncify(dspy.Predict(signature)) for name, signature in PROGRAMS.items()})
