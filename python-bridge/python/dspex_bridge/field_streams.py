"""A program's text fields as they arrive, found in the LM's reply by DSPy's own listeners."""

from typing import Any

import dspy
from dspy.streaming import StreamListener

from .streams import CallStream


async def run_streaming(module: Any, inputs: dict[str, Any], stream: CallStream) -> Any:
    """Runs a program; sends `{field, delta}` for its output fields of type `str`. Returns its prediction.

    Raises:
        what the program raises
    """
    listeners = [
        StreamListener(field, predict=predictor, predict_name=name)
        for name, predictor in module.named_predictors()
        for field, info in predictor.signature.output_fields.items()
        if info.annotation is str
    ]
    if not listeners:  # DSPy would take this for "stream everything"
        return await module.acall(**inputs)
    sink = _Sink(listeners, stream)
    with dspy.context(send_stream=sink, stream_listeners=listeners):
        prediction = await module.acall(**inputs)
        await sink.finish()
    return prediction


class _Sink:
    """Where DSPy sends the chunks of LM replies (its setting `send_stream`). While the host takes no item, DSPy waits,
    and so does the LM."""

    def __init__(self, listeners: list[StreamListener], stream: CallStream) -> None:
        self._listeners = listeners
        self._stream = stream

    async def send(self, chunk: Any) -> None:
        for listener in self._listeners:
            if id(listener.predict) == chunk.predict_id:
                await self._pass_on(listener.receive(chunk))

    async def finish(self) -> None:
        """A reply need not end with a header: what a listener holds back is the end of its field."""
        for listener in self._listeners:
            await self._pass_on(listener.finalize())

    async def _pass_on(self, found: Any) -> None:
        if found is not None and found.chunk:
            await self._stream.send({"field": found.signature_field_name, "delta": found.chunk})
