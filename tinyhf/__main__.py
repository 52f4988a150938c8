"""Floor 8 · ``python -m tinyhf`` is the command ``tinyhf``."""

import sys

from tinyhf.cli import main

sys.exit(main())
