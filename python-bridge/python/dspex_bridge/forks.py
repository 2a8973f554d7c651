"""What a process that user code forks off a worker must not do: read or write the wire, run the loop, ask the host.

Such a child is a copy of the whole worker, and the worker's event loop would go on in it. Processes that `subprocess` starts are none:
they have a program of their own.
"""

import asyncio
import os
import threading

_in_child = False


def fence(loop: asyncio.AbstractEventLoop, descriptors: tuple[int, ...]) -> None:
    """Prepares for forks, on the thread of the loop. `descriptors` become `/dev/null` in every child."""
    loop_thread = threading.get_ident()

    def in_child() -> None:
        global _in_child
        _in_child = True
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in descriptors:
            os.dup2(null, descriptor, inheritable=False)
        os.close(null)
        if threading.get_ident() == loop_thread:
            # What waits for its turn belongs to other calls, which go on in the parent. No public name of asyncio's can drop it.
            loop._ready.clear()
            loop.call_soon(os._exit, 0)

    os.register_at_fork(after_in_child=in_child)


def leave_if_child() -> None:
    """Ends a forked child whose user code has come to its end, where the worker's own code begins again."""
    if _in_child:
        os._exit(0)


def in_child() -> bool:
    """Whether this process was forked off a worker."""
    return _in_child
