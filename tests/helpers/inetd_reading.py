"""Reading inetd.conf text in tests: ``read`` gives services and report, ``words`` a service's attributes as text."""

from superd.config import inetd
from superd.config.dialect import Dialect
from superd.config.origin import Report
from superd.config.written import WrittenService

FILE = "inetd.conf"
_FACTS = {"name", "origin", "end", "dialect", "options"}


def read(
    text: str, dialect: Dialect = Dialect.DEBIAN, *, switched_off: bool = False
) -> tuple[list[WrittenService], Report]:
    report = Report()
    return inetd.read(FILE, text, report, dialect, switched_off=switched_off), report


def one(text: str, dialect: Dialect = Dialect.DEBIAN) -> dict[str, str]:
    """The attributes of the only service of a text that has nothing wrong with it."""
    services, report = read(text, dialect)
    assert report.diagnostics == []
    (service,) = services
    return words(service)


def words(service: WrittenService) -> dict[str, str]:
    """The attributes that were set, lists joined by blanks; ``name`` too."""
    found = {"name": service.name}
    for name in type(service).model_fields:
        written = getattr(service, name)
        if name in _FACTS or written is None:
            continue
        found[name] = (
            " ".join(word.value for word in written) if isinstance(written, tuple) else written.value
        )
    return found


def codes(report: Report) -> list[tuple[str, int, str]]:
    """Severity, line and code of every diagnostic, by line."""
    found = [(str(each.severity), each.origin.line, each.code) for each in report.diagnostics]
    return sorted(found, key=lambda each: (each[1], each[2]))
