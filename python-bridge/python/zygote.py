"""Entry of a pool's zygote: `python -I zygote.py`, which forks workers (`dspex_bridge/zygote.py`)."""

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from dspex_bridge.zygote import main

    del sys.path[0]
    main()
