"""Replay recorded outcomes of the real xinetd: ``replay_xinetd_vectors.py [--live] FILE``.

FILE is a JSON array of vectors: ``config`` (text of an xinetd.conf), and what xinetd did with it: ``daemon``
("running" or "exited N"), ``services_started``, ``serves_47400``, ``client``. Each is read by ``load`` (with ``--live``
by ``superd run``), and every difference is printed. A difference is deliberate only when a diagnostic of superd's
report has a code that docs/differences.md lists with that effect. Exits 1 when any difference is not.
"""

import argparse
import json
import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from superd.config.load import Loaded, load
from superd.config.model import Endpoint, Family, Service, SocketType
from superd.errors import ConfigError

PORT: Final = 47400
"""The port that the vectors' client connects to, on 127.0.0.1."""

PAYLOAD: Final = b"q"
NOTHING: Final = "no service in the configuration can be started"
CLIENT_TIMEOUT: Final = 5.0
MOMENTARY: Final = ("access_times", "max_load")
"""Attributes whose effect depends on the hour, or on how busy the machine is."""

TABLE: Final = Path(__file__).parents[2] / "docs" / "differences.md"
_ROW: Final = re.compile(r"\| `([a-z0-9-]+)` \|([a-z, ]*)\|")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a daemon did with a configuration."""

    running: bool
    started: int
    listens: bool
    """A client can connect to the port."""
    answers: bool | None = None
    """The service sends back what it was sent; ``None`` when nobody tried, or when it depends on the moment."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One vector: the effects in which superd differs, and those that no code explains."""

    title: str
    differences: tuple[str, ...]
    unexplained: tuple[str, ...]
    codes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """``same``, ``deliberate`` or ``different``."""
        if not self.differences:
            return "same"
        return "different" if self.unexplained else "deliberate"


def effects() -> dict[str, frozenset[str]]:
    """Read docs/differences.md: code -> effects."""
    rows = _ROW.findall(TABLE.read_text(encoding="utf-8"))
    return {
        code: frozenset(word.strip() for word in words.split(",") if word.strip()) for code, words in rows
    }


def recorded(vector: Mapping[str, Any]) -> Outcome:
    """What xinetd did."""
    client = str(vector.get("client") or "")
    serves = bool(vector.get("serves_47400"))
    return Outcome(
        running=vector.get("daemon", "running") == "running",
        started=vector.get("services_started") or 0,
        listens=serves or client.startswith("connected"),
        answers=serves if client and not any(word in str(vector["config"]) for word in MOMENTARY) else None,
    )


def predicted(loaded: Loaded) -> Outcome:
    """What superd would do, told from the loaded configuration and the addresses of this machine."""
    services = [each for each in loaded.config.services if not each.unsupported and _can_bind(each)]
    listens = any(_is_reached(endpoint) for service in services for endpoint in service.endpoints)
    return Outcome(True, len(services), listens)


def _can_bind(service: Service) -> bool:
    return all(endpoint.optional or _is_local(endpoint) for endpoint in service.endpoints)


def _is_local(endpoint: Endpoint) -> bool:
    if endpoint.family is Family.UNIX:
        return True
    family = socket.AF_INET6 if endpoint.family is Family.INET6 else socket.AF_INET
    try:
        kind = getattr(socket, f"SOCK_{endpoint.socket_type.upper()}")
        with socket.socket(family, kind, socket.getprotobyname(endpoint.protocol)) as probe:
            probe.bind((endpoint.address, 0))
    except OSError:
        return False
    return True


def _is_reached(endpoint: Endpoint) -> bool:
    return (
        endpoint.family is Family.INET
        and endpoint.socket_type is SocketType.STREAM
        and endpoint.port == PORT
        and endpoint.address in {"0.0.0.0", "127.0.0.1"}
        and endpoint.device in {"", "lo"}
    )


def differences(xinetd: Outcome, superd: Outcome) -> Iterator[str]:
    """Name the effects in which two outcomes differ, in the words of docs/differences.md."""
    if xinetd.running != superd.running:
        yield "keeps running" if superd.running else "exits"
    if xinetd.started != superd.started:
        yield "starts more" if superd.started > xinetd.started else "starts less"
    if xinetd.listens != superd.listens:
        yield "listens more" if superd.listens else "listens less"
    tried = None not in {xinetd.answers, superd.answers}
    if xinetd.listens and superd.listens and tried and xinetd.answers != superd.answers:
        yield "answers more" if superd.answers else "answers less"


def explains(code_effects: frozenset[str], effect: str) -> bool:
    """Tell whether effects include one; starting more or less entails listening more or less."""
    return effect in code_effects or effect.replace("listens", "starts") in code_effects


def observed(text: str, started: int) -> Outcome:
    """What ``superd run`` does: whether it keeps running, and what a client sees. ``started`` is not visible."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.daemon import running

    try:
        with running(text):
            answer = _ask()
    except AssertionError as error:
        # The vectors were recorded with -stayalive; like xinetd without it, superd ends when it has nothing to serve.
        idle = started == 0 and NOTHING in str(error)
        return Outcome(idle, started, False)
    return Outcome(True, started, answer is not None, answer == PAYLOAD)


def _ask() -> bytes | None:
    """Send to the port and read to the end; ``None`` when nobody listens."""
    with socket.socket() as client:
        client.settimeout(CLIENT_TIMEOUT)
        if client.connect_ex(("127.0.0.1", PORT)):
            return None
        try:
            client.sendall(PAYLOAD)
            client.shutdown(socket.SHUT_WR)
            return client.recv(len(PAYLOAD))
        except OSError:
            return b""


def compare(
    vector: Mapping[str, Any], table: Mapping[str, frozenset[str]], directory: Path, *, live: bool = False
) -> Comparison:
    """Replay one vector by ``load``, and with ``live`` by a daemon, too."""
    path = directory / "xinetd.conf"
    path.write_bytes(str(vector["config"]).encode())
    try:
        loaded = load([path])
    except ConfigError:
        return judge(vector, Outcome(False, 0, False), (), table)
    codes = tuple(dict.fromkeys(each.code for each in loaded.report.diagnostics))
    outcome = predicted(loaded)
    if live:
        outcome = observed(str(vector["config"]), outcome.started)
    return judge(vector, outcome, (*codes, *extensions(loaded)), table)


def judge(
    vector: Mapping[str, Any], outcome: Outcome, codes: Sequence[str], table: Mapping[str, frozenset[str]]
) -> Comparison:
    """Hold superd's outcome against the recorded one."""
    found = tuple(differences(recorded(vector), outcome))
    unexplained = tuple(
        effect
        for effect in found
        if not any(explains(table.get(code, frozenset()), effect) for code in codes)
    )
    return Comparison(str(vector["title"]), found, unexplained, tuple(codes))


def extensions(loaded: Loaded) -> Iterator[str]:
    """Name the extensions of the language that started services use; being no problems, no report has them."""
    started = {service.origin for service in loaded.config.services}
    for service in loaded.written:
        if service.origin not in started:
            continue
        if service.port is not None and not service.port.value.lstrip("+").isdigit():
            yield "extension-port"
        if service.bind is not None and ("," in service.bind.value or _is_interface(service.bind.value)):
            yield "extension-bind"


def _is_interface(name: str) -> bool:
    return name in {known for _, known in socket.if_nameindex()}


def main(argv: Sequence[str] | None = None) -> int:
    """Replay a file; print each difference and the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--live", action="store_true", help="start the daemon for each vector; needs root")
    parser.add_argument("--verbose", action="store_true", help="show the codes of each difference")
    arguments = parser.parse_args(argv)
    table = effects()
    totals = {"same": 0, "deliberate": 0, "different": 0}
    with tempfile.TemporaryDirectory() as directory:
        for vector in json.loads(arguments.file.read_text(encoding="utf-8")):
            result = compare(vector, table, Path(directory), live=arguments.live)
            totals[result.verdict] += 1
            if result.differences:
                codes = f" [{', '.join(result.codes)}]" if arguments.verbose or result.unexplained else ""
                print(f"{result.verdict}: {result.title}: {', '.join(result.differences)}{codes}")
    print(", ".join(f"{number} {name}" for name, number in totals.items()))
    return 1 if totals["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
