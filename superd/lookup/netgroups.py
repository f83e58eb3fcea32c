"""Whether a host is in a netgroup (netgroup(5)), asked of the C library without holding anybody up: ``Netgroups``."""

import asyncio
import ctypes
from concurrent.futures import ThreadPoolExecutor
from typing import Final

NETGROUP_TIMEOUT: Final = 5.0
"""Seconds for one answer: as long as a name may take. NIS servers hang like any other."""

THREADS: Final = 1
"""Look-ups under way. innetgr(3) blocks, so it has a thread, which only ends when the library lets go of it; more than
one would share the library's place in the database (MT-Unsafe race:netgrent) and could get each other's members."""

WAITING_LIMIT: Final = 256
"""Look-ups that are under way or wait for a thread; more are not answered, and the safe verdict stands."""

_innetgr = ctypes.CDLL(None).innetgr
_innetgr.argtypes = (ctypes.c_char_p,) * 4
_innetgr.restype = ctypes.c_int


class Netgroups:
    """The system's netgroups, as nsswitch.conf(5) has them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "netgroup")
        self._waiting = 0

    async def holds(self, group: str, host: str) -> bool | None:
        """Tell whether a host is in a group; ``None`` when nobody can say in time."""
        if self._waiting >= WAITING_LIMIT:
            return None
        self._waiting += 1
        call = asyncio.get_running_loop().run_in_executor(self._threads, _ask, group, host)
        call.add_done_callback(self._answered)
        try:
            return await asyncio.wait_for(asyncio.shield(call), NETGROUP_TIMEOUT)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Ask nothing more; a look-up that hangs ends with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answered(self, _call: "asyncio.Future[bool]") -> None:
        self._waiting -= 1


def _ask(group: str, host: str) -> bool:
    """Ask innetgr(3) for any user of the host in any domain."""
    return bool(_innetgr(group.encode("latin-1", "replace"), host.encode("latin-1", "replace"), None, None))
