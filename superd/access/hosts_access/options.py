"""The options of a rule (hosts_options(5)): one field of text -> ``Option``, the list of them -> ``Options``.

Options are checked when the file is read, in the order in which libwrap would carry them out. The first
wrong one makes the rule refuse everybody it matches, in either file; what stands before it keeps its
effect.
"""

import grp
import pwd
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from superd.access.hosts_access.lines import BLANKS, SPACE, lower

FACILITIES: Final = frozenset(
    {"kern", "user", "mail", "daemon", "auth", "lpr", "news", "uucp", "cron"}
    | {f"local{n}" for n in range(8)}
)
LEVELS: Final = frozenset({"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"})

CONFINING: Final = frozenset({"setenv", "umask", "user", "group"})
"""Options that can take something from the program they are meant for: without them it may do more."""

_NUMBER = re.compile(r"[ \t]*[+-]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"[ \t]*[+-]?[0-7]+", re.ASCII)
_SHELL = re.compile(r"[/()|&;<>$`]")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its keyword in lower case and its value, not yet %-expanded; empty when it has none."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.value}".rstrip()


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one rule before the first wrong one, that one, the complaint about it, and what to write."""

    options: tuple[Option, ...] = ()
    wrong: Option | None = None
    error: str = ""
    hint: str = ""

    @property
    def terminal(self) -> str:
        """``allow``, ``deny`` or ``twist`` if the rule ends with it; ``deny`` after an error; else empty."""
        if self.error:
            return "deny"
        last = self.options[-1].name if self.options else ""
        return last if last in {"allow", "deny", "twist"} else ""

    @property
    def aclexec(self) -> str:
        """The command of the last ``aclexec``, which alone counts; empty without one."""
        return next((option.value for option in reversed(self.options) if option.name == "aclexec"), "")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one keyword accepts: a value or not, only at the end or not; ``check`` complains about a value."""

    value: bool | None = True
    last: bool = False
    check: Callable[[str], str] = lambda _: ""


def parse(text: str) -> Options:
    """Read the text after the second colon of a rule."""
    done: list[Option] = []
    fields = _fields(text)
    for index, field in enumerate(fields):
        option, given = _option(field)
        error = _complaint(option, field, given=given, last=index == len(fields) - 1)
        if error:
            return Options(tuple(done), option, error, _hint(field))
        done.append(option)
    return Options(tuple(done))


def _fields(text: str) -> list[str]:
    """Split at colons; a backslash before one makes it part of the text, any other backslash stays."""
    return [field.replace("\0", ":") for field in text.replace("\\:", "\0").split(":")]


def _option(field: str) -> tuple[Option, bool]:
    """Key and value of a field, with blanks and at most one ``=`` between; and whether there is a value."""
    stripped = field.strip(SPACE)
    found = re.match(r"[^= \t\r\n]*", stripped)
    key = found[0] if found else ""
    value = stripped[len(key) :].strip(BLANKS).removeprefix("=").strip(BLANKS)
    return Option(lower(key), value), bool(value)


def _complaint(option: Option, field: str, *, given: bool, last: bool) -> str:
    if not option.name:
        return "missing option name"
    kind = _KINDS.get(option.name)
    if kind is None:
        return f'bad option name: "{re.split(f"[{SPACE}]", field.strip(SPACE), maxsplit=1)[0]}"'
    if kind.value and not given:
        return f'option "{option.name}" requires value'
    if kind.value is False and given:
        return f'option "{option.name}" requires no value'
    if kind.last and not last:
        return f'option "{option.name}" must be at end'
    return kind.check(option.value) if given else ""


def _hint(field: str) -> str:
    if _SHELL.search(field):
        return "a shell command needs the word spawn in front"
    return "comments may only stand at the beginning of a line" if "#" in field else ""


def _number(value: str) -> int | None:
    return int(value) if _NUMBER.fullmatch(value) else None


def _seconds(value: str) -> str:
    number = _number(value)
    return "" if number is not None and number > 0 else f'bad rfc931 timeout: "{value}"'


def _linger(value: str) -> str:
    number = _number(value)
    return "" if number is not None and number >= 0 else f'bad linger value: "{value}"'


def _nice(value: str) -> str:
    return "" if _number(value) is not None else f'bad nice value: "{value}"'


def _umask(value: str) -> str:
    number = int(value, 8) if _OCTAL.fullmatch(value) else -1
    return "" if 0 <= number <= 0o777 else f'bad umask value: "{value}"'


def _severity(value: str) -> str:
    facility, dot, level = value.lower().partition(".")
    if not dot:
        facility, level = "daemon", facility
    if facility not in FACILITIES or level not in LEVELS:
        return f'bad syslog facility or severity: "{value}"'
    return ""


def _setenv(value: str) -> str:
    return "" if "%" in value else setenv_complaint(value)


def setenv_complaint(value: str) -> str:
    """Say what is wrong with a ``setenv`` whose ``%`` letters, if any, are expanded; empty when nothing is."""
    name = re.split(f"[{BLANKS}]", value, maxsplit=1)[0]
    return "" if name and "=" not in name else f'setenv needs a name, a blank and a value: "{value}"'


def _group(value: str) -> str:
    try:
        grp.getgrnam(value)
    except (KeyError, ValueError):
        return f'unknown group: "{value}"'
    return ""


def _user(value: str) -> str:
    user, dot, group = value.partition(".")
    error = _group(group) if dot else ""
    if error:
        return error
    try:
        pwd.getpwnam(user)
    except (KeyError, ValueError):
        return f'unknown user: "{user}"'
    return ""


_KINDS: Final = {
    "aclexec": _Kind(),
    "allow": _Kind(value=False, last=True),
    "banners": _Kind(),
    "deny": _Kind(value=False, last=True),
    "group": _Kind(check=_group),
    "keepalive": _Kind(value=False),
    "linger": _Kind(check=_linger),
    "nice": _Kind(value=None, check=_nice),
    "rfc931": _Kind(value=None, check=_seconds),
    "setenv": _Kind(check=_setenv),
    "severity": _Kind(check=_severity),
    "spawn": _Kind(),
    "twist": _Kind(last=True),
    "umask": _Kind(check=_umask),
    "user": _Kind(check=_user),
}
"""Every keyword; aclexec is Debian's extension."""
