"""What the command line of ``superd run`` decides."""

from dataclasses import dataclass
from pathlib import Path

from superd.config.dialect import Dialect


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Choices for one run of the daemon."""

    files: tuple[Path, ...]
    """Configuration files and directories; empty: the defaults of ``superd.config.load``."""
    dialect: Dialect
    strict: bool
    """Refuse to start when the configuration has any problem."""
    hosts_allow: Path
    hosts_deny: Path
    pidfile: Path | None
    user: str
    """Account of the workers when started as root; empty: ``superd``, or ``nobody`` where that does not exist."""
    state_file: Path
    """Where SIGUSR1 writes the state dump."""
    drain: float
    """Seconds a stop or a reload waits for running connections."""
