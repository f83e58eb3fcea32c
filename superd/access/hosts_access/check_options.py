"""What deserves a look in the options of a rule: ``of_options``."""

import os
import re
from typing import Final

from superd.access.hosts_access import check_libwrap
from superd.access.hosts_access.options import Option, Options
from superd.config.origin import Origin, Report

LETTERS: Final = frozenset("aAcdhHnNprRsu%")
"""Those that mean something behind a ``%`` (hosts_access(5); ``r`` and ``R`` are Debian's)."""

_EXPANDED: Final = frozenset({"aclexec", "setenv", "spawn", "twist"})
_LETTER = re.compile(r"%(.)", re.DOTALL)


def of_options(options: Options, origin: Origin, report: Report) -> None:
    """Look at the options of a rule."""
    if options.error:
        code, text = "hosts-bad-option", options.error
        if text.startswith("bad option name") and "spawn" in options.hint:
            code, text = "hosts-classic-command", f"{text}: a command without an option name"
        report.error(code, origin, f"{text}; the rule refuses everybody it matches", hint=options.hint)
    for option in options.options:
        _of_option(option, origin, report)
    for remark in check_libwrap.remarks(options):
        report.warning("hosts-libwrap-differs", origin, remark)


def _of_option(option: Option, origin: Origin, report: Report) -> None:
    if option.name == "banners" and not os.path.isdir(option.value):  # noqa: PTH112  as the engine, without a Path
        report.warning("hosts-no-banners", origin, f"banners: there is no directory {option.value}")
    if option.name not in _EXPANDED:
        return
    for letter in dict.fromkeys(_LETTER.findall(option.value)):
        if letter not in LETTERS:
            text = f"{option.name}: %{letter} means nothing and is left out"
            report.warning("hosts-unknown-letter", origin, text, hint="for a percent sign write %%")
