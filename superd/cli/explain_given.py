"""What an admitted client's program would be given, as the launcher plans it: ``plan`` gives a ``Given``."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from structlog.testing import capture_logs

from superd.config.model import Credentials, Program, Service
from superd.launcher.environment import NAMES
from superd.launcher.programs import Ids, Plan, plans
from superd.launcher.ruled import RuledServices
from superd.privsep.messages import Launch
from superd.supervisor.start import WORKER_ACCOUNTS
from superd.worker import ruled
from superd.worker.client import Client


@dataclass(frozen=True, slots=True)
class Hosts:
    """The two files, and the service that asks them: what ``RuledServices`` wants to know."""

    services: tuple[Service, ...]
    hosts_allow: Path
    hosts_deny: Path


@dataclass(frozen=True, slots=True)
class Given:
    """A program with all it gets. ``user`` is a name or number, ``inherited`` are variables of this command's own.

    ``trouble`` is what a rule wants and would not get.
    """

    path: str
    argv: tuple[str, ...]
    user: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    nice: int
    umask: int
    environment: dict[str, str]
    inherited: tuple[str, ...]
    trouble: tuple[str, ...] = ()


def plan(service: Service, client: Client, hosts: Hosts) -> Given | None:
    """Plan what is started for an admitted client, a program or the command of ``twist``; ``None``: nothing is.

    Raises:
        RefusalError: the launcher would refuse what a rule wants, and so the client.
    """
    if not isinstance(service.action, Program) and client.verdict.twist is None:
        return None
    credentials = _credentials(service)
    ids = Ids(credentials.uid, credentials.gid, credentials.groups)
    request = ruled.launch(service.key, client, str(hosts.hosts_allow))
    with capture_logs() as warnings:
        if isinstance(request, Launch):
            planned = plans([service])[service.key]
            environment = planned.environment.of(request)
        else:
            planned, environment = RuledServices(hosts, ids).program(request)
    trouble = [str(each["reason"]) for each in warnings if "reason" in each]
    return _given(credentials, planned, environment, tuple(trouble))


def _credentials(service: Service) -> Credentials:
    """Whom the launcher runs as: the program's user; for a built-in its own, or the workers' account."""
    configured = service.action.credentials
    if configured is not None and (isinstance(service.action, Program) or os.geteuid() == 0):
        return configured
    for name in WORKER_ACCOUNTS if os.geteuid() == 0 else ():
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Credentials(user=name, uid=account.pw_uid, gid=account.pw_gid)
    uid = os.geteuid()
    return Credentials(user=_account(uid), uid=uid, gid=os.getegid(), groups=tuple(sorted(os.getgroups())))


def _given(
    credentials: Credentials, planned: Plan, environment: dict[str, str], trouble: tuple[str, ...]
) -> Given:
    user, uid, gid, groups = credentials.user, credentials.uid, credentials.gid, credentials.groups
    if planned.ids is not None:
        uid = planned.ids.uid if planned.ids.uid >= 0 else uid
        user, gid, groups = _account(uid), planned.ids.gid, planned.ids.groups
    own = {name for name, value in environment.items() if os.environ.get(name) == value and name not in NAMES}
    return Given(
        path=planned.path,
        argv=planned.argv,
        user=user,
        uid=uid,
        gid=gid,
        groups=groups,
        nice=credentials.nice + planned.nice,
        umask=planned.umask,
        environment={name: value for name, value in sorted(environment.items()) if name not in own},
        inherited=tuple(sorted(own)),
        trouble=trouble,
    )


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
