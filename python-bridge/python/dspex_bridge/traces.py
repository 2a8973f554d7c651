"""The host's trace, continued in Python (W3C trace context)."""

import functools
from typing import Any


def continue_trace(traceparent: str) -> None:
    """Makes the host's span the parent of every span that this context, a call's own, begins. Does nothing where OpenTelemetry is not
    installed: it is the user's to choose, and nothing of the worker's needs it."""
    attach, propagator = _open_telemetry()
    if propagator is not None:
        attach(propagator.extract({"traceparent": traceparent}))


@functools.cache
def _open_telemetry() -> tuple[Any, Any]:
    try:
        from opentelemetry.context import attach
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:
        return None, None
    return attach, TraceContextTextMapPropagator()
