"""What tcpdchk(8) says about the servers behind rules: ``of_services``."""

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from superd.access.hosts_access import check_permissions
from superd.config.model import Program, Service, SocketType
from superd.config.origin import Report

_INSECURE: Final = frozenset({"rexd", "rpc.rexd", "in.rexd"})
"""rexd(8) runs commands for whoever claims to be a user; rules for hosts don't make that safe."""


def of_services(services: Iterable[Service], report: Report) -> None:
    """Report servers that rules can't make safe, or that others may replace."""
    seen: set[str] = set()
    for service in services:
        action = service.action
        if not service.access.daemon or not isinstance(action, Program):
            continue
        _of_service(service, report)
        if action.path not in seen:
            seen.add(action.path)
            _of_server(Path(action.path), service, report)


def _of_service(service: Service, report: Report) -> None:
    if _INSECURE & {service.name, service.access.daemon}:
        text = f"service {service.id} runs commands for whoever claims to be a user"
        report.warning(
            "hosts-insecure-service", service.origin, text, hint="rules for hosts do not make it safe"
        )
    if service.wait and service.socket_type is not SocketType.DGRAM:
        text = (
            f"service {service.id} has wait = yes: it is started before its clients are known, so hosts.allow and "
            "hosts.deny decide about an unknown one, and about nobody who comes after it"
        )
        report.warning("hosts-unseen-clients", service.origin, text)


def _of_server(path: Path, service: Service, report: Report) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # the configuration's own check says so
    if mode & (stat.S_ISUID | stat.S_ISGID):
        text = (
            f"the server of {service.id}, {path}, is set-uid or set-gid: users can start it without any rule"
        )
        report.warning("hosts-setuid-server", service.origin, text)
    check_permissions.of_path(path, report, f"the server of {service.id}")
