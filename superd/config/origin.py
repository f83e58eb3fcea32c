"""Where a value was written, and what is wrong with it: ``Origin``, ``Diagnostic``, ``Report``."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in a configuration file; ``line`` counts from 1, 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Severity(StrEnum):
    """``error``: something that was written does not take effect as meant. ``warning``: it does, but look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem found in the configuration.

    ``code`` is a stable kebab-case name that ``docs/differences.md`` and scripts refer to; ``hint`` is a
    suggestion ("did you mean only_from?"); ``xinetd`` says what the real program would have done where that differs.
    """

    severity: Severity
    code: str
    origin: Origin
    text: str
    hint: str = ""
    xinetd: str = ""

    def __str__(self) -> str:
        extras = [self.hint] if self.hint else []
        if self.xinetd:
            extras.append(f"xinetd: {self.xinetd}")
        tail = f" ({'; '.join(extras)})" if extras else ""
        return f"{self.origin}: {self.severity}: {self.text}{tail}"


@dataclass(slots=True)
class Report:
    """Collects every problem, not just the first."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, origin: Origin, text: str, *, hint: str = "", xinetd: str = "") -> None:
        """Record that something written does not take effect."""
        self.diagnostics.append(Diagnostic(Severity.ERROR, code, origin, text, hint, xinetd))

    def warning(self, code: str, origin: Origin, text: str, *, hint: str = "", xinetd: str = "") -> None:
        """Record something that works but deserves a look."""
        self.diagnostics.append(Diagnostic(Severity.WARNING, code, origin, text, hint, xinetd))

    def has(self, severity: Severity) -> bool:
        """Tell whether any problem of this severity was recorded."""
        return any(diagnostic.severity is severity for diagnostic in self.diagnostics)
