"""Asks superd what libwrap is asked: ``decide`` gives the ``Result`` of a case.

Questions that the rules raise are answered from the tables of the case, one after the other, as the worker would
answer them; commands of ``aclexec`` are run, nothing else is.
"""

import os
import re
import subprocess
import syslog
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from unittest import mock

from superd.access.facts import PARANOID, UNKNOWN, ClientFacts, Need, Question
from superd.access.hosts_access import Effect, HostsAccess, HostsVerdict, table
from tools.libwrap import (
    IDENT_SECONDS,
    PID,
    SEVERITIES,
    Case,
    Result,
    Words,
    joined_banners,
    path_of,
    questions,
    write_files,
)

QUESTIONS_LIMIT: Final = 1000
"""Questions of one decision; more means that an answer was not taken."""

LOCAL_FACILITIES: Final = {f"local{number}": 16 + number for number in range(8)}
"""syslog(3) numbers; the others are in the module ``syslog``."""

_USERS = ("user", "group")
_TOO_LONG = "is longer than"


def decide(case: Case, folder: Path, scanned: int = table.SCAN_LIMIT) -> Result:
    """Write the files of a case and have superd decide; above so many rules by its index, not by trying each."""
    write_files(case, folder)
    allow, deny = path_of(case, folder, "allow"), path_of(case, folder, "deny")
    hosts = HostsAccess(allow, deny)
    known = facts(case)
    lookups: list[Words] = []
    with mock.patch.object(os, "getpid", return_value=PID), mock.patch.object(table, "SCAN_LIMIT", scanned):
        for _ in range(QUESTIONS_LIMIT):
            verdict = hosts.decide(case["daemon"], known)
            if verdict.question is None:
                return _result(verdict, lookups, str(allow), str(folder))
            known = known.with_answer(verdict.question, answer(case, verdict.question, lookups))
    raise AssertionError(f"{verdict.question} was asked again and again")


def facts(case: Case) -> ClientFacts:
    """What is known about the client from the start."""
    lazy = case.get("mode") == "dns"
    name, user, server = (
        None if lazy else case.get(key) or UNKNOWN for key in ("client_name", "user", "server_name")
    )
    return ClientFacts(
        address=(case.get("client_addr") or "").lower(),
        port=int(case.get("client_port") or 0),
        name=name,
        user=user,
        server_address=(case.get("server_addr") or "").lower(),
        server_port=int(case.get("server_port") or 0),
        server_name=server,
    )


def answer(case: Case, question: Question, lookups: list[Words]) -> str | bool:
    """Answer one question from the tables, and note which look-up that takes."""
    match question.need:
        case Need.NAME | Need.SERVER_NAME:
            which = "client_addr" if question.need is Need.NAME else "server_addr"
            return _name(case, case.get(which) or "", lookups)
        case Need.USER:
            return _user(case, lookups)
        case Need.NETGROUP:
            group, host = question.subject.split(" ")
            lookups.append(("netgroup", group, host.lower()))
            hosts = (case.get("netgroups") or {}).get(group, [])
            return any(member == "-" or member.lower() == host.lower() for member in hosts)
        case Need.ACLEXEC:
            assert isinstance(question.command, Effect)
            return succeeds(question.command.text)


def _name(case: Case, address: str, lookups: list[Words]) -> str:
    if address:
        plain = _plain(address)
        lookups.append(("ptr", plain))
        return looked_up(case, plain)
    return UNKNOWN


def _plain(address: str) -> str:
    """The address as getnameinfo(3) writes it, a mapped one as IPv4."""
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return str(mapped or parsed)


def looked_up(case: Case, address: str) -> str:
    """The verified name of an address by the tables of the case, as hosts_access(5) verifies it."""
    tables = case.get("dns") or {}
    name = (tables.get("ptr") or {}).get(address)
    if not name:
        return UNKNOWN
    family = ip_address(address).version
    if _is_numeric(name, family):
        return PARANOID
    forward = (tables.get("fwd") or {}).items()
    record = next((value for key, value in forward if key.lower() == name.lower()), None) or {}
    trusted = name.lower() in {"localhost", str(record.get("canon")).lower()}
    addresses = {str(ip_address(found)) for found in record.get("addrs", [])}
    return name if trusted and address in addresses else PARANOID


def _is_numeric(name: str, family: int) -> bool:
    try:
        return ip_address(name).version == family
    except ValueError:
        return False


def _user(case: Case, lookups: list[Words]) -> str:
    """The user as ident tells it, which takes two ends."""
    if not case.get("client_addr") or not (case.get("server_addr") or case.get("server_port")):
        return UNKNOWN
    lookups.append(("ident",))
    return str(case.get("ident") or UNKNOWN)


@lru_cache(maxsize=4096)
def succeeds(command: str) -> bool:
    """Run the command of an aclexec option, as libwrap does."""
    shell = ["/bin/sh", "-c", command]
    return subprocess.run(shell, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _result(verdict: HostsVerdict, lookups: list[Words], allow: str, folder: str) -> Result:
    """Put superd's verdict into the form of libwrap's."""
    places = [effect.rule.origin for effect in verdict.effects]
    if verdict.origin is not None and not verdict.rule.startswith("the file is broken"):
        places.append(verdict.origin)
    matched = dict.fromkeys(("allow" if place.file == allow else "deny", place.line) for place in places)
    done = [effect for effect in verdict.effects if effect.option.name not in _USERS]
    actions = [action for effect in done if (action := _action(effect)) is not None]
    last = {effect.option.name: effect.text for effect in verdict.effects if effect.text}
    severity = priority(last["severity"]) if "severity" in last else None
    return Result(
        str(verdict.outcome),
        tuple(matched),
        tuple(str(effect).replace(folder, "{DIR}") for effect in verdict.effects),
        tuple(joined_banners(_named(actions, folder))),
        tuple(questions(_named(lookups, folder))),
        SEVERITIES if severity is None else (severity, severity),
        int(last.get("rfc931", IDENT_SECONDS)),
        bool(verdict.error),
    )


def _named(lists: list[Words], folder: str) -> tuple[Words, ...]:
    return tuple(tuple(word.replace(folder, "{DIR}") for word in words) for words in lists)


def _action(effect: Effect) -> Words | None:
    """What libwrap calls for an option, ``None`` for one that calls nothing."""
    text = effect.text
    match effect.option.name:
        case "setenv":
            name, *value = re.split(r"[ \t\r\n]+", text, maxsplit=1)
            return ("setenv", name, *value) if value else ("setenv", name, "")
        case "umask":
            return ("umask", f"{int(text, 8):o}")
        case "nice":
            return ("nice", str(int(text or 10)))
        case "linger":
            return ("linger", str(int(int(text) > 0)), str(int(text)))
        case "keepalive":
            return ("keepalive", "1")
        case "banners":
            return ("banner", text) if text else None
        case "allow" | "deny" | "severity" | "rfc931":
            return None
    return (effect.option.name, text)


def priority(text: str) -> int:
    """The number of a severity; without a facility libwrap leaves that to openlog(3), which is facility 0 here."""
    facility, dot, level = text.lower().rpartition(".")
    number = LOCAL_FACILITIES.get(facility)
    if number is None:
        number = getattr(syslog, f"LOG_{facility.upper()}") >> 3 if dot else 0
    return number << 3 | _LEVELS.index(level)


_LEVELS = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
