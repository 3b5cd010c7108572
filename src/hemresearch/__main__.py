"""`python -m hemresearch` is the command `hemresearch`."""

import sys

from .cli import main

sys.exit(main())
