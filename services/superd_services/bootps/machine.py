"""``Bootps``, the machine: each request becomes at most one answer, and lines for the log."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from superd.service import LinkAction, LinkDatagram, Note, Remark
from superd_services.bootps import answers, bootp, dhcp, packet, proxy
from superd_services.bootps.answers import Answer, Case, Result, Silence
from superd_services.bootps.boot_files import Size, choose
from superd_services.bootps.bootptab import Host, Table
from superd_services.bootps.entry_options import Offset
from superd_services.bootps.options import BootpsOptions
from superd_services.bootps.packet import Malformed
from superd_services.bootps.request import Request, host_of, read

SHOWN: Final = 128
"""Characters of a client's text in the log."""


class System(Protocol):
    """What the machine asks of the system; nothing of it may wait."""

    @property
    def names(self) -> frozenset[bytes]:
        """This machine's names, in lower case."""

    @property
    def size(self) -> Size:
        """Gives the size of a file."""

    @property
    def offset(self) -> Offset:
        """Gives the offset of the local time."""

    def table(self) -> Table:
        """Return the table as it is now."""

    def news(self) -> tuple[str, ...]:
        """Return what is to be said about the table, once."""


class Bootps:
    """Answers requests from the table."""

    __slots__ = ("_options", "_system")

    def __init__(self, options: BootpsOptions, system: System) -> None:
        self._options = options
        self._system = system

    def handle(self, event: LinkDatagram) -> Iterator[LinkAction]:
        """Answer one datagram."""
        table = self._system.table()
        for text in self._system.news():
            yield Note(Remark.PROBLEM, {"reason": text})
        try:
            request = read(event)
        except Malformed as error:
            yield Note(Remark.IGNORED, {"reason": str(error)})
            return
        host = host_of(request, table)
        result = self._result(request, host, table)
        yield from self._actions(request, host, result)

    def _result(self, request: Request, host: Host | None, table: Table) -> Result:
        options = self._options
        if request.packet.hops > options.max_hops:
            return Silence(f"came through {request.packet.hops} relay agents")
        alone = options.proxy or proxy.at_port(request)
        if host is None and not options.proxy:
            return Silence("no entry for this client")
        if request.packet.secs < self._patience(host):
            return Silence(f"the client has been asking for {request.packet.secs} seconds only")
        chosen = choose(request, host, table, options, self._system.size)
        if chosen.missing:
            return Silence("there is no such boot file")
        case = Case(request, chosen, options, self._system.offset)
        if alone:
            return proxy.answer(case, host)
        assert host is not None  # noqa: S101 - or else there was no answer above
        if request.is_dhcp:
            return dhcp.answer(case, host)
        return bootp.answer(case, host, self._system.names)

    def _patience(self, host: Host | None) -> int:
        own = host.number("mw") if host else None
        return self._options.min_secs if own is None else own

    def _actions(self, request: Request, host: Host | None, result: Result) -> Iterator[LinkAction]:
        if isinstance(result, Silence):
            yield Note(result.remark, _about(request, host) | {"reason": result.reason})
            return
        data = packet.build(result.reply, result.length)
        if proxy.at_port(request):
            yield proxy.delivery(request, data)
        else:
            yield answers.delivery(request, data, result, host, self._options.delivery)
        yield Note(Remark.ANSWERED, _about(request, host) | _said(result))
        if result.left_out:
            text = f"no room for {' '.join(result.left_out)} in {len(data)} bytes"
            yield Note(Remark.PROBLEM, _about(request, host) | {"reason": text})


def _about(request: Request, host: Host | None) -> dict[str, str | int]:
    """Tell who asked, and what."""
    found: dict[str, str | int] = {"mac": request.packet.hardware.hex(":")}
    message = request.message
    found["message"] = message.name if message else "BOOTP"
    if int(request.packet.giaddr):
        found["relay"] = str(request.packet.giaddr)
    if host is not None:
        found |= {"name": host.name, "rule": host.origin}
    return found


def _said(answer: Answer) -> dict[str, str | int]:
    found: dict[str, str | int] = {"answer": answer.message.name if answer.message else "BOOTP"}
    if int(answer.reply.yiaddr):
        found["address"] = str(answer.reply.yiaddr)
    if answer.reply.file:
        found["file"] = answer.reply.file[:SHOWN].decode("ascii", "backslashreplace")
    return found


def factory(system: Callable[[BootpsOptions], System]) -> Callable[[object], Bootps]:
    """Return what makes the machine of a configured service."""

    def make(options: object) -> Bootps:
        chosen = options if isinstance(options, BootpsOptions) else BootpsOptions()
        return Bootps(chosen, system(chosen))

    return make
