"""JSON lines on standard input and output, as the documentation of python-shell shows it."""

import json
import sys

for line in sys.stdin:
    print(json.dumps(json.loads(line)), flush=True)
