"""How many cases a test runs, and which: as `test/support/scale.ts` has it for jest."""

import math
import os
import random


def scaled(count: int) -> int:
    """The number of cases at the present scale; `count` is the number in `npm test`."""
    return math.ceil(count * float(os.environ.get("DSPEX_TEST_SCALE", "1")))


def seed() -> int:
    """A seed of this run, or the one that `DSPEX_TEST_SEED` names, which replays a failure. A test prints it."""
    return int(os.environ.get("DSPEX_TEST_SEED", random.randrange(2**31)))
