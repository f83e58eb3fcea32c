"""The work of ``superd explain``: ``answer`` one question, or compare the answers to many with a table."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from superd.access.hosts_access import HostsAccess
from superd.cli import explain_batch
from superd.cli.explain_case import Explainer, Explanation, Outcome
from superd.cli.explain_json import plain
from superd.cli.explain_request import Request, UsageError, peers, services, when
from superd.cli.explain_sources import Lookups
from superd.cli.explain_text import lines
from superd.cli.terminal import printable, write_line
from superd.config.load import load
from superd.config.model import Config
from superd.config.origin import Severity

PROBLEMS_SHOWN: Final = 5
"""Problems of the hosts files that are shown; ``superd check`` shows all."""

Ask = Callable[[Request], Awaitable[list[Explanation]]]


def answer(args: argparse.Namespace) -> int:
    """Answer, or compare with a table; return the exit status. Raises SuperdError."""
    if (args.batch is None) != (args.service is not None and args.client is not None):
        raise UsageError("explain wants either SERVICE and CLIENT, or --batch FILE")
    loaded = load(args.config, args.dialect)
    if loaded.report.has(Severity.ERROR):
        sys.stderr.write("superd: the configuration has errors; superd check shows them\n")
    return asyncio.run(_run(args, loaded.config))


async def _run(args: argparse.Namespace, config: Config) -> int:
    lookups = Lookups(allowed=not args.no_lookup)
    files = (args.hosts_allow, args.hosts_deny)
    sensors = any(each.sensor for each in config.services)
    explainer = Explainer(_hosts(args, config), files, lookups, sensors=sensors)

    async def ask(request: Request) -> list[Explanation]:
        answers: list[Explanation] = []
        for service in services(request.service, config):
            for peer in await peers(request, service, lookup=lookups.allowed):
                answers += await explainer.explain(request, service, peer)
        return answers

    try:
        return await (_one(args, ask) if args.batch is None else _batch(args, ask))
    finally:
        await lookups.close()


async def _one(args: argparse.Namespace, ask: Ask) -> int:
    assumed = None if args.aclexec is None else args.aclexec == "yes"
    request = Request(args.service, args.client, args.name, args.user, _at(args), args.to, assumed)
    answers = await ask(request)
    if args.json:
        write_line(json.dumps([plain(each) for each in answers], indent=1))
    else:
        _show(answers)
    return 1 if any(each.outcome is Outcome.DENY for each in answers) else 0


def _show(answers: Sequence[Explanation]) -> None:
    for number, each in enumerate(answers):
        if number:
            write_line("")
        for line in lines(each):
            write_line(printable(line))


async def _batch(args: argparse.Namespace, ask: Ask) -> int:
    """Compare; options of the command line hold for every line that does not say otherwise."""
    expectations = explain_batch.read(args.batch)
    found: list[str] = []
    for each in expectations:
        request = each.request
        request = replace(
            request, at=_at(args) if request.at is None else request.at, to=request.to or args.to
        )
        try:
            difference = explain_batch.difference(each, await ask(request))
        except UsageError as error:
            raise UsageError(f"{each.origin}: {error}") from error
        if difference:
            found.append(difference)
    if args.json:
        write_line(json.dumps({"expectations": len(expectations), "differences": found}, indent=1))
    else:
        for line in found:
            write_line(printable(line))
    sys.stderr.write(f"superd: {len(expectations)} expectations, {len(found)} different\n")
    return 1 if found else 0


def _hosts(args: argparse.Namespace, config: Config) -> HostsAccess | None:
    """Read the two files if any service asks them, and say what is broken in them."""
    if not any(service.access.daemon for service in config.services):
        return None
    hosts = HostsAccess(args.hosts_allow, args.hosts_deny)
    problems = hosts.take_diagnostics()
    for problem in problems[:PROBLEMS_SHOWN]:
        sys.stderr.write(f"superd: {printable(str(problem))}\n")
    if len(problems) > PROBLEMS_SHOWN:
        sys.stderr.write(f"superd: and {len(problems) - PROBLEMS_SHOWN} more; superd check shows them\n")
    return hosts


def _at(args: argparse.Namespace) -> float | None:
    return None if args.at is None else when(args.at)
