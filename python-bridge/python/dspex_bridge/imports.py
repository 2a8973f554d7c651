"""How a worker imports DSPy in a third less time."""

import contextlib
import gc
import inspect
import linecache
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """For the one large import at worker start.

    DSPy notes where each optional library that is missing was asked for (`dspy.utils.lazy_import.require`), by taking the
    whole stack with its source lines: half a second in an environment without those libraries. Of that stack it reads
    the caller's frame, so that is all it gets. Garbage collection would find nothing, since modules stay: it is off
    until the caller has frozen them.
    """
    gc.disable()
    original = inspect.stack
    inspect.stack = _nearest_frames
    try:
        yield
    finally:
        inspect.stack = original


def _nearest_frames(context: int = 1) -> list[inspect.FrameInfo]:
    """What `inspect.stack` says of its caller and of the caller's caller."""
    frames = []
    for depth in (1, 2):
        frame = sys._getframe(depth)
        code = frame.f_code
        line = linecache.getline(code.co_filename, frame.f_lineno)
        source, index = ([line], 0) if line and context else (None, None)
        frames.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, source, index))
    return frames
