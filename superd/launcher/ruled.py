"""What rules of hosts.allow and hosts.deny change about a start: ``RuledServices`` plans it.

A worker says which line and which option, and what was found out about the client. Options are carried out as
hosts_options(5) has them, from left to right, those of hosts.allow first:

=============  ===========================================================================================
setenv         sets a variable over whatever was configured. The facts of the connection stay as they are (a
               program must be able to trust them), save REMOTE_HOST, which tcpd(8) under xinetd replaces, too
umask, nice    as they say; niceness that can't be lowered is a warning
user, group    only a launcher that runs as root can do it; others refuse the client, unless nothing would change
twist          the shell command has the connection instead of the program, with all else alike
spawn,         a shell command without the connection, under what stands before it in the same rule; Debian's
aclexec        libwrap gives that of ``aclexec`` the connection, against its own manual
=============  ===========================================================================================
"""

import errno
import grp
import os
import pwd
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import structlog

from superd.access.hosts_access import Effect
from superd.access.hosts_access.lines import BLANKS
from superd.config.model import Program, Service
from superd.config.origin import Origin
from superd.errors import ProtocolViolation
from superd.launcher.environment import NAMES
from superd.launcher.programs import Ids, Plan, builtin_plan, plans
from superd.launcher.rules import ALLOW, DENY, HostsRules, Reached, RefusalError
from superd.log import events
from superd.privsep import clients
from superd.privsep.messages import Command, RuledLaunch

log = structlog.get_logger()

COMMANDS: Final = frozenset({"aclexec", "spawn"})
"""The options whose command does not have the connection."""

FACTS: Final = NAMES - {"REMOTE_HOST"}
"""Variables that ``setenv`` can't set."""

SHELL: Final = "/bin/sh"

_NICE: Final = 10
"""What ``nice`` without a value adds."""

_NICE_RANGE: Final = 40
"""From the lowest niceness to the highest; more changes no more."""

_SHOWN: Final = 40

Start = tuple[Plan, dict[str, str]]
"""What to start, and its environment."""


class RuledStart(Protocol):
    """What is needed of a ``LauncherStart``; ``superd explain`` has no more than this."""

    @property
    def services(self) -> tuple[Service, ...]:
        """The services."""

    @property
    def hosts_allow(self) -> Path:
        """The first file."""

    @property
    def hosts_deny(self) -> Path:
        """The second file."""


class RuledServices:
    """The services that the two files are asked about, programs or not, by ``Service.key``.

    ``own`` is whom to plan for, instead of this process.
    """

    def __init__(self, start: RuledStart, own: Ids | None = None) -> None:
        self._given = own
        programs = plans(start.services)
        asked = [service for service in start.services if service.access.daemon]
        self._services = {service.key: (service, _plan(service, programs)) for service in asked}
        self._rules = HostsRules(start.hosts_allow, start.hosts_deny)
        self._warned: set[tuple[Origin, str]] = set()

    def program(self, launch: RuledLaunch) -> Start:
        """Plan a start under the options of both files' rules.

        Raises:
            ProtocolViolation: the worker can't have meant it.
            RefusalError: a rule does not read as the worker says, or can't be carried out.
        """
        service, plan = self._find(launch.service)
        environment = plan.environment.of(launch)
        effects: list[Effect] = []
        for file, line, text, known in (
            (ALLOW, launch.allow_line, launch.allow_rule, launch.allow_known),
            (DENY, launch.deny_line, launch.deny_rule, launch.deny_known),
        ):
            facts = clients.facts(launch, known)
            if text:
                reached = self._rules.reach(file, line, text, service.access.daemon, facts)
                effects += _all_of(reached)
        plan = self._under(plan, environment, effects)
        if not plan.path:
            raise ProtocolViolation(f"asked for the program of a built-in service: {service.key[:_SHOWN]!r}")
        return plan, environment

    def command(self, command: Command) -> tuple[Origin, Start]:
        """Plan the command of one option, whose place is returned as well.

        Raises:
            ProtocolViolation: the worker can't have meant it.
            RefusalError: the rule does not read as the worker says, or can't be carried out.
        """
        service, plan = self._find(command.service)
        environment = plan.environment.of(command)
        facts = clients.facts(command, command.known)
        reached = self._rules.reach(command.file, command.line, command.rule, service.access.daemon, facts)
        if not 0 <= command.option < len(reached.effects):
            raise RefusalError(errno.ESTALE, "the option is not reached", reached.origin)
        effect = reached.effects[command.option]
        if effect.option.name not in COMMANDS:
            raise ProtocolViolation(f"asked for a command that is none: {effect.option.name[:_SHOWN]!r}")
        plan = self._under(plan, environment, reached.effects[: command.option])
        return reached.origin, (replace(_shell(plan, effect.text), ignores_hangup=True), environment)

    def _find(self, key: str) -> tuple[Service, Plan]:
        if key not in self._services:
            raise ProtocolViolation(f"asked for rules of a service that has none: {key[:_SHOWN]!r}")
        return self._services[key]

    def _under(self, plan: Plan, environment: dict[str, str], effects: Iterable[Effect]) -> Plan:
        """Apply options to a plan and to its environment."""
        user = group = ""
        for effect in effects:
            text = effect.text
            match effect.option.name:
                case "setenv":
                    self._set(environment, effect)
                case "umask":
                    plan = replace(plan, umask=int(text, 8))
                case "nice":
                    plan = replace(plan, nice=plan.nice + self._nice(effect))
                case "user":
                    user, _, named = text.partition(".")
                    group = named or group
                case "group":
                    group = text
                case "twist":
                    plan = _shell(plan, text)
                case _:
                    continue
            if effect.option.name in {"user", "group"}:
                plan = replace(plan, ids=_ids(user, group, effect, self._own()))
        return plan

    def _own(self) -> Ids:
        return self._given or Ids(os.geteuid(), os.getegid(), tuple(os.getgroups()))

    def _set(self, environment: dict[str, str], effect: Effect) -> None:
        """Set a variable; the name ends at the first blank (hosts_options(5))."""
        name, *value = re.split(f"[{BLANKS}]", effect.text, maxsplit=1)
        if name in FACTS:
            self._warn(
                effect, f"setenv can't set {name}, which tells the program a fact about its connection"
            )
            return
        environment[_bytes(name)] = _bytes(value[0].strip(BLANKS) if value else "")

    def _nice(self, effect: Effect) -> int:
        added = int(effect.text or _NICE)
        if added < 0 and self._own().uid != 0:
            self._warn(effect, f"nice {added}: only a launcher that runs as root can lower it")
            return 0
        return max(-_NICE_RANGE, min(added, _NICE_RANGE))

    def _warn(self, effect: Effect, reason: str) -> None:
        """Log once what an option can't do; a file has a bounded number of lines."""
        key = (effect.rule.origin, effect.option.name)
        if key not in self._warned:
            self._warned.add(key)
            log.warning(events.RULE_FAILED, rule=str(effect.rule.origin), reason=reason)


def _plan(service: Service, programs: dict[str, Plan]) -> Plan:
    return programs[service.key] if isinstance(service.action, Program) else builtin_plan(service)


def _all_of(reached: Reached) -> tuple[Effect, ...]:
    if not reached.complete:
        raise RefusalError(errno.ESTALE, "its options can't all be carried out", reached.origin)
    return reached.effects


def _shell(plan: Plan, text: str) -> Plan:
    return replace(plan, path=SHELL, argv=("sh", "-c", _bytes(text)))


def _bytes(text: str) -> str:
    """What Python passes on as the very bytes that stand in the file, which was read as Latin-1."""
    return os.fsdecode(text.encode("latin-1"))


def _ids(user: str, group: str, effect: Effect, own: Ids) -> Ids | None:
    """Whom to become: with a group of its own just that one, else the user's groups (initgroups(3))."""
    try:
        ids = _looked_up(user, group)
    except KeyError:
        raise RefusalError(errno.ENOENT, f"{effect}: there is no such account", effect.rule.origin) from None
    if own.uid == 0:
        return ids
    same = ids.uid in {-1, own.uid} and ids.gid == own.gid
    if same and set(ids.groups) <= {ids.gid, *own.groups}:
        return None
    why = f"{effect}: only a launcher that runs as root can change ids; configure the service with user ="
    raise RefusalError(errno.EPERM, why, effect.rule.origin)


def _looked_up(user: str, group: str) -> Ids:
    gid = grp.getgrnam(group).gr_gid if group else -1
    if not user:
        return Ids(-1, gid, (gid,))
    account = pwd.getpwnam(user)
    if group:
        return Ids(account.pw_uid, gid, (gid,))
    return Ids(account.pw_uid, account.pw_gid, tuple(os.getgrouplist(user, account.pw_gid)))
