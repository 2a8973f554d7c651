"""The Python half of the bridge: a worker that runs DSPy for a runtime on the other end of a pipe.

The wire is specified in `docs/protocol.md`.
"""
