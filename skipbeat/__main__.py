"""`python -m skipbeat` is the `skipbeat` command."""

import sys

from .cli import main

sys.exit(main())
