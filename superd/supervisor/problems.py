"""Configuration problems as log events."""

import structlog

from superd.config.model import Credentials, Program, Service
from superd.config.origin import Report, Severity
from superd.log import events

log = structlog.get_logger()


def log_problems(report: Report) -> None:
    """Log every diagnostic at its severity, in the words of ``superd check``."""
    for diagnostic in report.diagnostics:
        write = log.error if diagnostic.severity is Severity.ERROR else log.warning
        write(events.CONFIG_PROBLEM, problem=str(diagnostic), code=diagnostic.code)


def log_shared_account(services: tuple[Service, ...], worker: Credentials | None) -> None:
    """Warn when programs run as the user of the workers: a program may send signals to all of its user's processes."""
    if worker is None:
        return
    for service in services:
        if isinstance(service.action, Program) and service.action.credentials.uid == worker.uid:
            text = f"{service.origin}: warning: program of service {service.key} runs as {worker.user}, as the workers"
            hint = "it could stop them; make an account superd, or see --user"
            log.warning(events.CONFIG_PROBLEM, problem=f"{text} do: {hint}", code="worker-account-shared")
            return


def startable(services: tuple[Service, ...]) -> tuple[Service, ...]:
    """Leave out, with a log line each, the services that need something this version can't do."""
    for service in services:
        for need in service.unsupported:
            log.error(
                events.SERVICE_UNSUPPORTED,
                service=service.key,
                feature=need.feature,
                rule=str(need.origin),
                reason="not yet supported; the service is not started",
            )
    return tuple(service for service in services if not service.unsupported)
