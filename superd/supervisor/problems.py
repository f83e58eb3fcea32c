"""Configuration problems as log events."""

import structlog

from superd.config.model import Service
from superd.config.origin import Report, Severity
from superd.log import events

log = structlog.get_logger()


def log_problems(report: Report) -> None:
    """Log every diagnostic at its severity, in the words of ``superd check``."""
    for diagnostic in report.diagnostics:
        write = log.error if diagnostic.severity is Severity.ERROR else log.warning
        write(events.CONFIG_PROBLEM, problem=str(diagnostic), code=diagnostic.code)


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
