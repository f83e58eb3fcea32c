"""``superd`` and ``python -m superd``."""

import sys

from superd.cli import main

if __name__ == "__main__":
    sys.exit(main())
