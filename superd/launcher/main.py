"""The life of a launcher process: ``run``."""

import gc
import os

from superd.launcher.loop import Launcher
from superd.launcher.process import prepare
from superd.log import descriptors
from superd.privsep.drop import drop
from superd.processes import LauncherStart


def run(start: LauncherStart) -> int:
    """Make this forked process a launcher, serve until drained, and return its exit status, 0.

    Raises:
        PrivilegeError: it could not drop its privileges; nothing was started.
        OSError: it could not prepare itself, for lack of descriptors, /proc or /dev/null.
    """
    prepare({start.supervisor.fileno(), *descriptors()})
    if start.drop:
        ids = start.credentials
        drop(ids.uid, ids.gid, ids.groups, ids.nice)
    elif start.credentials.nice > 0:
        os.nice(start.credentials.nice)
    gc.freeze()  # so that a fork for a limited program copies no page just to count references in the collector
    Launcher(start).run()
    return 0
