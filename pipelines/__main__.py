"""Entry point of `python -m pipelines`."""

import os
import sys

from pipelines.cli import main

code = main()
if code == os.EX_TEMPFAIL:  # TensorFlow's threads may wait for a worker that is lost
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.exit(code)
