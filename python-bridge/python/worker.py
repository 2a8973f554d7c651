"""Entry of a worker process: `python -I worker.py`, with the wire on standard input and output."""

import os
import sys

if __name__ == "__main__":
    # For the one package: a user's module may well be called `worker`.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from dspex_bridge.entry import become_worker

    del sys.path[0]
    become_worker()
