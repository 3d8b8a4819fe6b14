"""Entry point of `python -m pipelines`."""

import os
import sys

try:
    from pipelines.cli import main

    code = main()
except KeyboardInterrupt:  # during the imports
    code = 130
if code == os.EX_TEMPFAIL:  # TensorFlow's threads may wait for a worker that is lost
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.exit(code)
