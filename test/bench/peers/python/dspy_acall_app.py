"""DSPy behind FastAPI without a thread: `await program.acall`, the speed-ups of our own worker, and a model that costs next to nothing."""

import gc
from typing import Any

import dspy
from dspex_bridge import seams
from dspy import lm15
from dspy_programs import PROGRAMS, reply_to
from dspy_service import service

report = seams.install({})
if set(report.values()) != {"on"}:
    raise RuntimeError(f"a speed-up is not in force: {report}")


class Unused:
    """The sync engine, which DSPy wants to have."""

    def complete(self, request: lm15.Request) -> lm15.Response:
        raise AssertionError("the fast route was not taken")


class Model:
    """Answers at once, in the JSON form that the fast route exchanges."""

    async def exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": None,
            "model": "bench",
            "message": {"role": "assistant", "parts": [{"type": "text", "text": reply_to(request["system"])}]},
            "finish_reason": "stop",
            "usage": {},
        }

    async def complete(self, request: lm15.Request) -> lm15.Response:
        raise AssertionError("the fast route was not taken")


lm = seams.lm_class()("bench", engine=Unused(), async_engine=Model(), cache=False, num_retries=0)
dspy.configure(lm=lm, adapter=dspy.ChatAdapter(), trace=None, disable_history=True, callbacks=[])
app = service({name: dspy.Predict(signature).acall for name, signature in PROGRAMS.items()})

gc.collect()
gc.freeze()
