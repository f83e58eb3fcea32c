"""What deriving one service needs: ``Context`` holds the stanza, the machine, and whether anything failed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from superd.config.machine import Machine
from superd.config.model import Unsupported
from superd.config.origin import Origin, Report
from superd.config.values import OddValueError
from superd.config.written import Word, Words, WrittenService

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    """One service while it is derived; an error means that it will not be started."""

    written: WrittenService
    report: Report
    machine: Machine
    extensions: Collection[str] = ()
    failed: bool = False
    bad_values: list[Origin] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    flags: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def error(self, code: str, origin: Origin, text: str, *, hint: str = "", xinetd: str = "") -> None:
        """Report what keeps the service from being started."""
        self.failed = True
        self.report.error(code, origin, text, hint=hint, xinetd=xinetd)

    def warning(self, code: str, origin: Origin, text: str, *, hint: str = "", xinetd: str = "") -> None:
        """Report what deserves a look."""
        self.report.warning(code, origin, text, hint=hint, xinetd=xinetd)

    def missing(self, feature: str, origin: Origin) -> None:
        """Note something this version can't do; the service is complete otherwise, but is not started."""
        self.unsupported.append(Unsupported(feature=feature, origin=origin))
        text = f"service {self.written.name} is not started: {feature}: not yet supported"
        self.report.warning("not-supported", origin, text)

    def value(self, name: str, word: Word | None, parse: Callable[[str], T]) -> T | None:
        """Parse a word; a bad one, or one that is not written, gives ``None``."""
        if word is None:
            return None
        try:
            return parse(word.value)
        except OddValueError as error:
            self.odd(name, word.origin, str(error))
        except ValueError as error:
            self.bad(name, word.origin, str(error))
        return None

    def odd(self, name: str, origin: Origin, reason: str) -> None:
        """Report a value that xinetd takes for something else than it says."""
        self.bad_values.append(origin)
        self.error("odd-value", origin, f"{name}: {reason}", xinetd="takes it for something else")

    def bad(self, name: str, origin: Origin, reason: str, *, hint: str = "") -> None:
        """Report a bad value, in the stanza or inherited from defaults."""
        self.bad_values.append(origin)
        if self.is_inherited(origin):
            text = f"{name} in defaults: {reason}; services that take it from there are not started"
            self.error("bad-default", origin, text, hint=hint, xinetd="exits")
        else:
            self.error("bad-value", origin, f"{name}: {reason}", hint=hint)

    def is_inherited(self, origin: Origin) -> bool:
        """Tell whether a value was written outside the stanza, that is in defaults."""
        own = self.written
        return origin.file != own.origin.file or not own.origin.line <= origin.line <= max(
            own.end, own.origin.line
        )

    @property
    def internal(self) -> bool:
        """Tell whether the service is answered in process."""
        return "INTERNAL" in self.types

    @property
    def sensor(self) -> bool:
        """Tell whether the service serves nobody and bans who comes."""
        return "SENSOR" in self.flags

    @property
    def streams(self) -> bool:
        """Tell whether the service's socket makes connections."""
        word = self.written.socket_type
        if word is not None:
            return word.value.lower() in {"stream", "seqpacket"}
        return self.written.protocol is not None and self.written.protocol.value.lower() == "tcp"

    @property
    def waits(self) -> bool:
        """Tell whether the server gets the listening socket."""
        return self.written.wait is not None and self.written.wait.value.lower() == "yes"

    def origin_of(self, words: Words | None, value: str) -> Origin:
        """Find where a flag or a type was written."""
        found = (word.origin for word in words or () if word.value.upper() == value)
        return next(found, self.written.origin)
