"""Asks the real libwrap, through ``libwrap_oracle.c``: ``Oracle``, ``Case``, ``Result``; ``missing`` says why it can't.

A case is a JSON object; texts are Latin-1, and ``{DIR}`` in them stands for the folder that the files are written to:

* ``allow_text``, ``deny_text``: the two files, ``None`` for one that is missing; ``files``: pattern files and banners;
* ``daemon``, ``client_addr``, ``client_port``, ``client_name``, ``user``, ``server_addr``, ``server_port``,
  ``server_name``; with ``"mode": "dns"`` names and the user are not known but asked for, and come from
* ``dns`` (``ptr``: address -> name, ``fwd``: name -> ``canon`` and ``addrs``), ``ident``, ``netgroups``.
"""

import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote_from_bytes, unquote

Case = dict[str, Any]

PID: Final = 4242
"""What ``%p`` becomes on both sides."""

_SOURCE = Path(__file__).with_name("libwrap_oracle.c")
SEVERITIES: Final = (6, 4)
"""Priorities of syslog(3) that connections granted and refused are logged with, if no rule says otherwise."""

IDENT_SECONDS: Final = 10
"""How long an ident look-up may take, if no rule says otherwise."""

EARLY = ("missing option name", "bad option name", "requires value", "requires no value", "must be at end")
"""Complaints that libwrap makes before it logs the option; any other comes after that."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What a decision came to, in the same form for libwrap and for superd.

    ``matched`` are the rules that matched (file and line): one, or two after an ``aclexec`` said no. ``options`` are
    those that took effect, expanded; ``actions`` what they did. ``lookups`` are the questions in order; ``failed``
    tells that an option was wrong.
    """

    verdict: str
    matched: tuple[tuple[str, int], ...] = ()
    options: Words = ()
    actions: tuple[Words, ...] = ()
    lookups: tuple[Words, ...] = ()
    severity: tuple[int, int] = SEVERITIES
    timeout: int = IDENT_SECONDS
    failed: bool = False

    def differences(self, other: "Result") -> list[str]:
        """Name the fields in which two results differ."""
        return [name for name in self.__dataclass_fields__ if getattr(self, name) != getattr(other, name)]


def missing() -> str:
    """Why the oracle can't be built here; empty when it can."""
    if shutil.which("cc") is None:
        return "no C compiler"
    if ctypes.util.find_library("wrap") is None or not Path("/usr/include/tcpd.h").exists():
        return "libwrap0-dev is not installed"
    return ""


def build(folder: Path) -> Path:
    """Compile the oracle and return its path."""
    program = folder / "libwrap_oracle"
    subprocess.run(["cc", "-O2", "-rdynamic", "-o", program, _SOURCE, "-lwrap"], check=True)
    return program


class Oracle:
    """A running oracle. It writes the files of each case to ``folder``: a short path, because libwrap's lines are."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def ask(self, case: Case) -> Result:
        """Have libwrap decide a case."""
        write_files(case, self.folder)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("".join(map(_line, _rows(case, self.folder))))
        self._process.stdin.flush()
        events: list[Words] = []
        while not events or events[-1][0] != "end":
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError("the oracle ended")
            words = line.rstrip("\n").split("\t")
            events.append(tuple(unquote(word, encoding="latin-1") for word in words))
        return digest(events, str(self.folder))


def write_files(case: Case, folder: Path) -> None:
    """Write the files of a case into a folder, in the place of everything that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for which in ("allow", "deny"):
        text = case.get(f"{which}_text")
        if text is not None and not case.get(f"{which}_path"):
            _write(path_of(case, folder, which), text, folder)
    for name, text in (case.get("files") or {}).items():
        _write(folder / name, text, folder)


def path_of(case: Case, folder: Path, which: str) -> Path:
    """Where hosts.allow or hosts.deny of a case is; there need not be a file."""
    special = case.get(f"{which}_path")
    return Path(special.replace("{DIR}", str(folder))) if special else folder / f"hosts.{which}"


def _write(path: Path, text: str, folder: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("{DIR}", str(folder)).encode("latin-1"))


_FIELDS: Final = {
    "daemon": "daemon",
    "user": "user",
    "client_addr": "address",
    "client_name": "name",
    "client_port": "port",
    "server_addr": "server_address",
    "server_name": "server_name",
    "server_port": "server_port",
}


def _rows(case: Case, folder: Path) -> Iterable[list[str]]:
    for which in ("allow", "deny"):
        yield [which, str(path_of(case, folder, which))]
    yield ["pid", str(PID)]
    for key, row in _FIELDS.items():
        if case.get(key) is not None:
            yield [row, str(case[key])]
    if case.get("mode") == "dns":
        yield ["lazy"]
    tables = case.get("dns") or {}
    yield from (["ptr", address, name] for address, name in (tables.get("ptr") or {}).items() if name)
    for name, record in (tables.get("fwd") or {}).items():
        if record:
            yield ["fwd", name, record.get("canon") or "", *record["addrs"]]
    if case.get("ident") is not None:
        yield ["ident", case["ident"]]
    yield from (["group", name, *hosts] for name, hosts in (case.get("netgroups") or {}).items())
    yield ["ask"]


def _line(row: list[str]) -> str:
    return "\t".join(quote_from_bytes(word.encode("latin-1")) for word in row) + "\n"


def digest(events: Iterable[Words], folder: str) -> Result:
    """Put in order what the oracle reported; ``folder`` becomes ``{DIR}`` again."""
    matched: list[tuple[str, int]] = []
    options: list[str] = []
    lookups: list[Words] = []
    actions: list[Words] = []
    single: dict[str, tuple[str, ...]] = {}
    failed = False
    for kind, *raw in events:
        words = [word.replace(folder, "{DIR}") for word in raw]
        if kind == "log":
            failed = _read_log(words[1], matched, options) or failed
        elif kind == "lookup":
            lookups.append(tuple(words))
        elif kind in {"end", "severity", "timeout", "client"}:
            single[kind] = tuple(words)
        else:
            actions.append((kind, *words))
    allow, deny = map(int, single.get("severity", SEVERITIES))
    return Result(
        single["end"][0],
        tuple(matched),
        tuple(options),
        tuple(joined_banners(actions)),
        tuple(questions(lookups)),
        (allow, deny),
        int(single.get("timeout", (IDENT_SECONDS,))[0]),
        failed,
    )


def _read_log(text: str, matched: list[tuple[str, int]], options: list[str]) -> bool:
    """Read one line of libwrap's log; tell whether it complains about an option."""
    if text.startswith("matched:  "):
        path, _, line = text.removeprefix("matched:  ").rpartition(" line ")
        matched.append(("allow" if "allow" in os.path.basename(path) else "deny", int(line)))  # noqa: PTH119  a text
    elif text.startswith("option:   "):
        options.append(plain_option(text.removeprefix("option:   ")))
    elif text.startswith("error: "):
        if options and not any(complaint in text for complaint in EARLY):
            options.pop()
        return True
    return False


def plain_option(text: str) -> str:
    """An option as it is compared: the case of its keyword does not count, nor do blanks at its end."""
    keyword, blank, rest = text.partition(" ")
    return f"{keyword.lower()}{blank}{rest}".rstrip()


def joined_banners(actions: Iterable[Words]) -> Iterable[Words]:
    """A banner is written in pieces; make one of them."""
    banner = ""
    for action in (*actions, ("",)):
        if action[0] in {"banner", "nul"}:
            banner += action[1] or "\0"
            continue
        if banner:
            yield ("banner", banner)
            banner = ""
        if action[0]:
            yield action


def questions(lookups: Iterable[Words]) -> Iterable[Words]:
    """What was asked, each once: a forward look-up belongs to the reverse one; netgroups are asked again and again.
    Case does
       not count in a host's name.
    """
    seen = set()
    for kind, *words in lookups:
        question = (kind,) if kind == "ident" else (kind, *words[:1], *map(str.lower, words[1:2]))
        if kind != "fwd" and question not in seen:
            seen.add(question)
            yield question
