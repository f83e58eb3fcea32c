"""Giving up privileges for good: ``drop``, and ``shed`` where there is no root to drop from.

Every step is verified afterwards, and taking root back is tried and has to fail (setuid(2), capabilities(7),
PR_SET_NO_NEW_PRIVS(2const)). A process that can't drop must end; it never goes on with what it has.
"""

import contextlib
import ctypes
import os
from collections.abc import Callable, Collection
from typing import Final

from superd.errors import PrivilegeError

PROCESS_UMASK: Final = 0o077
"""Mode bits withheld from what a process of superd creates itself; programs get their service's umask."""

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_GET_NO_NEW_PRIVS: Final = 39
_CAPABILITY_VERSION_3: Final = 0x20080522
_CAPABILITIES: Final = 64
"""Bits in a capability set of version 3: an upper bound for the kernel's own last capability."""

_libc = ctypes.CDLL(None, use_errno=True)


def drop(uid: int, gid: int, groups: Collection[int], nice: int = 0, *, confine: bool = False) -> None:
    """Become this user and group with exactly these supplementary groups; root only.

    ``nice`` is added first, while lowering it is still allowed; where it is not (a container's root), the
    process keeps its own, as xinetd's programs do. ``confine`` is for workers: no program can give anything back
    (no_new_privs), and the bounding set is emptied where the kernel lets us. Launchers are not confined, because
    the programs they start may be setuid, or start such.

    Raises:
        PrivilegeError: a step failed or did not hold, or a worker would have been root.
    """
    if confine and uid == 0:
        raise PrivilegeError("a worker never runs as root; configure another user")
    os.umask(PROCESS_UMASK)
    try:
        _change_ids(uid, gid, groups, nice, confine=confine)
    except OSError as error:
        raise PrivilegeError(f"can't drop privileges to uid {uid}, gid {gid}: {error.strerror}") from error
    if uid != 0:
        _clear_capabilities()
    if confine:
        _forbid_new_privileges()
    if uid != 0:
        _forbid_tracing()
    _verify(uid, gid, groups)


def shed(*, confine: bool = False) -> None:
    """Without root: keep the ids, but no capability, neither for this process nor for what it starts.

    An ordinary user may have been given some, to bind low ports, say (capabilities(7), "ambient"). ``confine`` is as
    for ``drop``.

    Raises:
        PrivilegeError: a step failed or did not hold.
    """
    _clear_capabilities()
    if confine:
        _forbid_new_privileges()


def _change_ids(uid: int, gid: int, groups: Collection[int], nice: int, *, confine: bool) -> None:
    with contextlib.suppress(PermissionError):
        os.nice(nice)
    if confine:
        _empty_bounding_set()
    os.setgroups(list(groups))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _empty_bounding_set() -> None:
    """Best effort: it takes CAP_SETPCAP, and no_new_privs already forbids what it would forbid."""
    for capability in range(_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _clear_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets, and with them the ambient one.

    Changing all ids away from 0 does this for the first two already, unless securebits(7) say otherwise.
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, sets) != 0:
        raise PrivilegeError(f"can't clear capabilities: {os.strerror(ctypes.get_errno())}")
    if _libc.capget(header, sets) != 0 or any(sets):
        raise PrivilegeError("capabilities are still there after clearing them")


def _forbid_tracing() -> None:
    """Keep programs of the same user from tracing this process and from reading its memory and descriptors.

    After a change of ids the kernel sees to that by itself, unless fs.suid_dumpable is 1 (proc(5)). A program that is
    executed can be traced again.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise PrivilegeError("this process can still be traced")


def _forbid_new_privileges() -> None:
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        raise PrivilegeError("the kernel does not know no_new_privs")


def _verify(uid: int, gid: int, groups: Collection[int]) -> None:
    # An id of -1 changes nothing, and the answer is the present one: the only way to ask for the fourth id.
    uids = {*os.getresuid(), _libc.setfsuid(-1)}
    gids = {*os.getresgid(), _libc.setfsgid(-1)}
    if uids != {uid} or gids != {gid} or set(os.getgroups()) != set(groups):
        raise PrivilegeError(
            f"ids are {uids}, {gids}, {os.getgroups()} after dropping to {uid}, {gid}, {groups}"
        )
    if uid == 0:
        return
    _verify_impossible("setuid(0)", lambda: os.setuid(0))
    _verify_impossible("setgroups", lambda: os.setgroups([0]))
    if gid != 0:
        _verify_impossible("setgid(0)", lambda: os.setgid(0))


def _verify_impossible(what: str, attempt: Callable[[], None]) -> None:
    try:
        attempt()
    except PermissionError:
        return
    raise PrivilegeError(f"{what} still works after dropping privileges")
