"""How a process becomes a worker, however it was born.

Standard input and output belong to the protocol, so they are moved out of the reach of user code before anything else
is imported: a `print`, a C library or a child process that writes to descriptor 1 cannot harm a frame.
"""

import os
from typing import NoReturn

WIRE_IN, WIRE_OUT, STDERR = 200, 201, 202


def become_worker(*, forked: bool = False) -> NoReturn:
    """Takes the wire from descriptors 0 and 1, raw standard error from 2, and works until the end of the process.

    Args:
        forked: The parent is a zygote, whose end is not the worker's.
    """
    _move_stdio()

    import signal

    # Until there is something to drain. Before this line the signal itself ends the process.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from .process import die_with_parent, name_process, wake_at_end_of_parent

    name_process("dspex-worker")
    if forked:
        wake_at_end_of_parent()
    else:
        die_with_parent()
    from .main import main

    main(WIRE_IN, WIRE_OUT, STDERR)


def _move_stdio() -> None:
    for source, target in ((0, WIRE_IN), (1, WIRE_OUT), (2, STDERR)):
        os.dup2(source, target, inheritable=False)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # Until the worker captures both as logs, what is printed reaches the real standard error.
    os.dup2(STDERR, 1)
