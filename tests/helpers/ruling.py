"""Requests to launchers under rules of hosts.allow and hosts.deny, made as a worker makes them: ``Rules``."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from helpers.hosts_files import files, settle
from helpers.launching import Launching, read_all, receive, shell
from helpers.launching import service as program_service
from superd.access.facts import ClientFacts, Need, Question
from superd.access.hosts_access import Effect, HostsVerdict
from superd.access.verdict import Verdict
from superd.config.model import Access, Builtin, Program, Service
from superd.privsep.channel import Channel
from superd.privsep.messages import Command, CommandEnded, Launch, RuledLaunch
from superd.service import Options, Peer
from superd.worker import ruled
from superd.worker.client import Client

PEER: Final = Peer("192.0.2.7", 40000, "198.51.100.1", 13)
FACTS: Final = ClientFacts(PEER.host, PEER.port, server_address=PEER.local_host, server_port=PEER.local_port)


def service(key: str = "svc", action: Program | str = "exit 0") -> Service:
    """A program (a text is a shell script) whose clients hosts.allow and hosts.deny are asked about, as ``key``."""
    program = shell(action) if isinstance(action, str) else action
    return program_service(key, program).model_copy(update={"access": Access(daemon=key)})


def builtin(key: str = "svc") -> Service:
    """A built-in service of that kind."""
    action = Builtin(name="echo", options=Options())
    return service(key).model_copy(update={"action": action})


@dataclass(frozen=True)
class Rules:
    """Both files in a folder, and what to answer when rules ask."""

    folder: Path
    name: str = "client.example"
    user: str = "alice"

    def write(self, allow: str = "", deny: str = "") -> None:
        """Write both files."""
        files(self.folder, allow, deny)

    def verdict(self, allow: str = "", deny: str = "", daemon: str = "svc") -> HostsVerdict:
        """Write both files, and decide about the client."""
        return settle(files(self.folder, allow, deny), FACTS, self.answer, daemon)

    def answer(self, question: Question) -> str | bool:
        """Answer what rules ask; every ``aclexec`` says no."""
        return {Need.NAME: self.name, Need.USER: self.user, Need.SERVER_NAME: "server.example"}.get(
            question.need, False
        )

    def client(self, verdict: HostsVerdict, conn: int = 1) -> Client:
        """The client with everything that could be found out."""
        facts = FACTS
        for question in (Question(Need.NAME), Question(Need.USER), Question(Need.SERVER_NAME)):
            facts = facts.with_answer(question, self.answer(question))
        return Client(PEER, conn, Verdict(verdict.allowed, effects=verdict.effects), facts)

    def launch(self, allow: str = "", deny: str = "", key: str = "svc") -> RuledLaunch:
        """The request to start the program under these files."""
        verdict = self.verdict(allow, deny, key)
        assert not verdict.error, verdict.error
        request = ruled.launch(key, self.client(verdict), str(self.folder / "hosts.allow"))
        assert isinstance(request, RuledLaunch), request
        return request

    def command(self, allow: str = "", deny: str = "", number: int = 1, index: int = -1) -> Command:
        """The request to run one of the commands of these files: by default the last."""
        verdict = self.verdict(allow, deny)
        commands = [effect for effect in verdict.effects if effect.option.name in {"spawn", "aclexec"}]
        return self.request(commands[index], verdict, number)

    def request(self, effect: Effect, verdict: HostsVerdict, number: int = 1) -> Command:
        """The request to run this one."""
        is_allow = effect.rule.origin.file.endswith("allow")
        return ruled.command(number, "svc", effect, self.client(verdict), is_allow=is_allow)


def run(worker: Channel, command: Command) -> int:
    """Have a command run; its exit status, or -1."""
    worker.send(command)
    ended = receive(worker, CommandEnded)
    assert ended.number == command.number
    return ended.status if ended.status < 0 else os.waitstatus_to_exitcode(ended.status)


def output(launcher: Launching, worker: Channel, request: Launch | RuledLaunch) -> list[str]:
    """What the program says to its client, in lines."""
    return read_all(launcher.start(worker, request)).decode("latin-1").splitlines()
