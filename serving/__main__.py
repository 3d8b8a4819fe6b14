"""Entry point of `python -m serving`."""

import sys

try:
    from serving.cli import main

    code = main()
except KeyboardInterrupt:  # during the imports
    code = 130
sys.exit(code)
