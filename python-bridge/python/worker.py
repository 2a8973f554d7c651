"""Entry of a worker process: `python -I worker.py`, with the wire on standard input and output.

Standard input and output belong to the protocol, so they are moved out of the reach of user code before anything else
is imported: a `print`, a C library or a child process that writes to descriptor 1 cannot harm a frame.
"""

import os

WIRE_IN, WIRE_OUT, STDERR = 200, 201, 202


def _move_stdio() -> None:
    for source, target in ((0, WIRE_IN), (1, WIRE_OUT), (2, STDERR)):
        os.dup2(source, target, inheritable=False)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # Until the worker captures both as logs, what is printed reaches the real standard error.
    os.dup2(STDERR, 1)


if __name__ == "__main__":
    _move_stdio()

    import signal
    import sys

    # Until there is something to drain. Before this line the signal itself ends the process.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    # For the one package: a user's module may well be called `worker`.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from dspex_bridge.main import main

    del sys.path[0]
    main(WIRE_IN, WIRE_OUT, STDERR)
