"""One decision in progress: ``Inquiry`` holds the facts, two ``Endpoint``s, and the first missing fact.

A test answers True, False, or ``None``: it can't be told without a missing fact (Kleene's third value).

An inquiry remembers what it has asked for. A name that was found out for another rule, or in an earlier turn of
the same decision, counts as known only once this evaluation has come to a rule that asks for it, so that ``%h`` is
what hosts_access(5) says, however often the files are evaluated.
"""

from dataclasses import replace

from superd.access.addresses import numeric
from superd.access.facts import NAME, SERVER_NAME, UNKNOWN, USER, ClientFacts, Need, Question
from superd.access.hosts_access.facts import Effect
from superd.access.hosts_access.lines import lower
from superd.config.origin import Origin

Answer = bool | None

_BROADCAST = 0xFFFFFFFF
"""255.255.255.255 is in no network, not even 0.0.0.0/0.0.0.0, as in libwrap; no client has it."""


class Inquiry:
    """A daemon, the facts of one client, and ``question``, the first that has no answer.

    ``facts`` hold what this evaluation knows by now. ``doubt`` is the first rule that may or may not match for the
    want of a fact. ``effects`` are the options reached so far.
    """

    __slots__ = ("client", "daemon", "doubt", "effects", "facts", "name", "question", "server")

    def __init__(self, daemon: str, facts: ClientFacts) -> None:
        self.name = daemon
        self.daemon = fold(daemon)
        self.facts = facts
        self.question: Question | None = None
        self.doubt: Origin | None = None
        self.effects: list[Effect] = []
        self.client = Endpoint(self, facts.address, NAME)
        self.server: Endpoint | None = None

    def server_end(self) -> "Endpoint":
        """Return the server's endpoint; made late, because few rules look at it."""
        if self.server is None:
            self.server = Endpoint(self, self.facts.server_address, SERVER_NAME)
        return self.server

    def ask(self, question: Question) -> str | bool | None:
        """Return the answer to a question, or ``None`` after noting that there is none."""
        answer = self.facts.answers.get(question)
        if answer is None and self.question is None:
            self.question = question
        return answer

    def client_name(self) -> str | None:
        """Return the client's name as it is spelled, or ``None`` after noting that it is missing."""
        if self.facts.name is None:
            found = UNKNOWN if self.client.text == UNKNOWN else self.ask(NAME)
            if found is None:
                return None
            self.facts = replace(self.facts, name=str(found))
        return self.facts.name

    def server_name(self) -> str | None:
        """Return the server's name, or ``None`` after noting that it is missing."""
        if self.facts.server_name is None:
            found = self.ask(SERVER_NAME) if self.facts.server_address else UNKNOWN
            if found is None:
                return None
            self.facts = replace(self.facts, server_name=str(found))
        return self.facts.server_name

    def user(self, seconds: int = 0) -> str | None:
        """Return the user's name, or ``None`` after noting that it is missing. Datagrams and Unix sockets have none."""
        if self.facts.user is None:
            found = self.ask(replace(USER, seconds=seconds) if seconds else USER)
            if found is None:
                return None
            self.facts = replace(self.facts, user=str(found))
        return self.facts.user


class Endpoint:
    """One end of the connection: ``text`` is its address as patterns see it; ``version`` 0: there is none."""

    __slots__ = ("_need", "inquiry", "number", "text", "version")

    def __init__(self, inquiry: Inquiry, address: str, question: Question) -> None:
        self.inquiry = inquiry
        self.text = fold(address) or UNKNOWN
        try:
            self.version, self.number = numeric(self.text)
        except ValueError:
            self.version, self.number = 0, 0
        if self.number == _BROADCAST:
            self.version = 0
        self._need = question.need

    @property
    def known_name(self) -> str | None:
        """The host's name in lower case if it can be told without a question, so that an index may use it."""
        facts = self.inquiry.facts
        if self._need is not Need.NAME:
            return facts.server_name and fold(facts.server_name)
        found = facts.found_name
        if found is None:
            return UNKNOWN if self.text == UNKNOWN else None
        return fold(found)

    def name(self) -> str | None:
        """Return the host's name in lower case, or ``None`` after noting that it is missing."""
        inquiry = self.inquiry
        found = inquiry.client_name() if self._need is Need.NAME else inquiry.server_name()
        return None if found is None else fold(found)


def fold(subject: str) -> str:
    """Reduce what is compared: ASCII case does not count, and a mapped address is its IPv4 address."""
    subject = lower(subject)
    if subject.startswith("::ffff:") and subject.count(".") == 3:
        return subject[7:]
    return subject
