"""`python -m skipbeat` is the `skipbeat` command."""

import sys

from .process import run

sys.exit(run())
