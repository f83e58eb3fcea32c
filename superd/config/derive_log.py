"""A service's own log, and its banners."""

from pathlib import Path
from typing import Final

from superd.config import sources, values
from superd.config.context import Context
from superd.config.model import Banners, FileTarget, ServiceLog, SyslogTarget
from superd.config.written import Word, Words

SUCCESS: Final = frozenset({"PID", "HOST", "USERID", "EXIT", "DURATION", "TRAFFIC"})
FAILURE: Final = frozenset({"HOST", "USERID", "ATTEMPT"})
_OBSOLETE: Final = frozenset({"RECORD"})
"""Words of older versions of xinetd."""

BANNER_LIMIT: Final = 16384
"""Bytes of a banner: as much as leaves for a client that does not read, without waiting for it."""


def derive_log(context: Context) -> ServiceLog:
    """Derive log_type and the two sets of flags."""
    written = context.written
    success = _flags(context, "log_on_success", written.log_on_success, SUCCESS)
    failure = _flags(context, "log_on_failure", written.log_on_failure, FAILURE)
    if "TRAFFIC" in success and written.redirect is None:
        origin = context.origin_of(written.log_on_success, "TRAFFIC")
        text = "TRAFFIC is counted for redirected services only; it is ignored"
        context.warning("traffic-ignored", origin, text, xinetd="does not start the service")
        success -= {"TRAFFIC"}
    return ServiceLog.model_validate(
        {"target": _target(context), "on_success": success, "on_failure": failure}
    )


def _flags(context: Context, name: str, words: Words | None, known: frozenset[str]) -> frozenset[str]:
    found = set()
    for word in words or ():
        flag = word.value.upper()
        if flag in known:
            found.add(flag)
        elif flag in _OBSOLETE:
            text = f"{name}: {word.value} does not exist any more; it is ignored"
            context.warning("record-ignored", word.origin, text, xinetd="does not start the service")
        else:
            hint = "separate words with blanks" if flag.endswith(",") else ""
            context.bad(
                name, word.origin, f"there is no {word.value!r}: {', '.join(sorted(known))}", hint=hint
            )
    return frozenset(found)


def _target(context: Context) -> SyslogTarget | FileTarget | None:
    words = context.written.log_type
    if words is None:
        return None
    try:
        target = values.target(tuple(word.value for word in words))
    except values.OddValueError as error:
        context.odd("log_type", words[0].origin, str(error))
        return None
    except ValueError as error:
        hint = f"write log_type = FILE {words[0].value}" if words[0].value.startswith(("/", "./")) else ""
        context.bad("log_type", words[0].origin, str(error), hint=hint)
        return None
    if isinstance(target, SyslogTarget):
        return target
    return _file(context, words[0], target)


def _file(context: Context, word: Word, target: FileTarget) -> FileTarget | None:
    path = Path(target.path)
    if not path.is_absolute():
        text = f"log file {path} is looked for in the directory superd was started in"
        context.warning("relative-path", word.origin, text, hint="write the whole path")
        path = path.absolute()
    obstacle = "it is a directory" if path.is_dir() else ""
    if not path.parent.is_dir():
        obstacle = f"there is no directory {path.parent}"
    if obstacle:
        context.error("log-file", word.origin, f"log file {path} can't be opened: {obstacle}")
        return None
    return target.model_copy(update={"path": str(path)})


def derive_banners(context: Context) -> Banners:
    """Read the banner files; one that can't be read is left out, as in xinetd."""
    written = context.written
    return Banners(
        always=_banner(context, written.banner),
        success=_banner(context, written.banner_success),
        failure=_banner(context, written.banner_fail),
    )


def _banner(context: Context, word: Word | None) -> bytes:
    if word is None:
        return b""
    try:
        text = sources.read_bytes(word.value, BANNER_LIMIT + 1)
    except sources.Unreadable as error:
        context.warning("banner-unreadable", word.origin, f"banner {word.value} is not sent: {error}")
        return b""
    if len(text) > BANNER_LIMIT:
        long = f"banner {word.value} is longer than {BANNER_LIMIT} bytes; the rest is not sent"
        context.warning("banner-too-long", word.origin, long, xinetd="sends all of it")
    return text[:BANNER_LIMIT]
