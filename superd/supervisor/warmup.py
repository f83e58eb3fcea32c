"""Importing what Python imports late: ``warm_up``, called before the first fork.

After a worker has dropped its privileges, the interpreter's directory may be unreadable for it (a virtual
environment below /root), so whatever hides behind a first use must have been used before: codecs, the idna of
getaddrinfo, the time zone, the resource module behind os.wait4.
"""

import codecs
import importlib
import time
from typing import Final

_CODECS: Final = ("ascii", "idna", "latin-1", "punycode", "unicode_escape", "utf-8")
_MODULES: Final = ("asyncio.base_events", "encodings.idna", "resource", "traceback", "uvloop")


def warm_up() -> None:
    """Load every codec and module that superd's processes use after they have dropped their privileges."""
    for name in _CODECS:
        codecs.lookup(name)
    for name in _MODULES:
        importlib.import_module(name)
    time.localtime()
