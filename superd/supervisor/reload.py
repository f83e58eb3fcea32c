"""Reading the configuration again: all of it is good, or nothing changes."""

import structlog

from superd.config.load import Loaded, load
from superd.config.origin import Severity
from superd.errors import ConfigError
from superd.log import events
from superd.supervisor.options import RunOptions
from superd.supervisor.problems import log_problems

log = structlog.get_logger()


def checked(options: RunOptions) -> Loaded | None:
    """The new configuration, or ``None`` (and the reasons in the log) when it has an error."""
    try:
        loaded = load(options.files, options.dialect)
    except ConfigError as error:
        log.error(events.RELOAD_REFUSED, reason=str(error))
        return None
    log_problems(loaded.report)
    if loaded.report.has(Severity.ERROR) or (options.strict and loaded.report.diagnostics):
        log.error(events.RELOAD_REFUSED, reason="the new configuration has problems; the old one stays")
        return None
    return loaded
