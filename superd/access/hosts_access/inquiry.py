"""One decision in progress: ``Inquiry`` holds the facts, two ``Endpoint``s, and the first missing fact.

A test answers True, False, or ``None``: it can't be told without a missing fact (Kleene's third value).
"""

from superd.access.addresses import numeric
from superd.access.hosts_access.facts import UNKNOWN, ClientFacts, Need
from superd.config.origin import Origin

Answer = bool | None

_BROADCAST = 0xFFFFFFFF
"""255.255.255.255 is in no network, not even 0.0.0.0/0.0.0.0, as in libwrap; no client has it."""


class Inquiry:
    """A daemon, the facts of one client, and ``needs``, the first missing one that a test asked for.

    ``doubt`` is the first rule that may or may not match for the want of a fact.
    """

    __slots__ = ("client", "daemon", "doubt", "facts", "needs", "server")

    def __init__(self, daemon: str, facts: ClientFacts) -> None:
        self.daemon = fold(daemon)
        self.facts = facts
        self.needs: Need | None = None
        self.doubt: Origin | None = None
        self.client = Endpoint(self, facts.address, facts.name, Need.NAME)
        self.server: Endpoint | None = None

    def server_end(self) -> "Endpoint":
        """Return the server's endpoint; made late, because few rules look at it."""
        if self.server is None:
            facts = self.facts
            self.server = Endpoint(self, facts.server_address, facts.server_name, Need.SERVER_NAME)
        return self.server

    def ask(self, need: Need) -> None:
        """Note that a test wanted a missing fact."""
        if self.needs is None:
            self.needs = need

    def user(self) -> str | None:
        """Return the user's name in lower case, or ``None`` after noting that it is missing."""
        if self.facts.user is None:
            self.ask(Need.USER)
            return None
        return fold(self.facts.user)


class Endpoint:
    """One end of the connection: ``text`` is its address as patterns see it; ``version`` 0: there is none."""

    __slots__ = ("_need", "inquiry", "known_name", "number", "text", "version")

    def __init__(self, inquiry: Inquiry, address: str, name: str | None, need: Need) -> None:
        self.inquiry = inquiry
        self.text = fold(address) or UNKNOWN
        try:
            self.version, self.number = numeric(self.text)
        except ValueError:
            self.version, self.number = 0, 0
        if self.number == _BROADCAST:
            self.version = 0
        # without an address there is nothing to look up
        known = UNKNOWN if name is None and self.text == UNKNOWN else name
        self.known_name = None if known is None else fold(known)
        self._need = need

    def name(self) -> str | None:
        """Return the host's name in lower case, or ``None`` after noting that it is missing."""
        if self.known_name is None:
            self.inquiry.ask(self._need)
        return self.known_name


def fold(subject: str) -> str:
    """Reduce what is compared: ASCII case does not count, and a mapped address is its IPv4 address."""
    subject = subject.lower()
    if subject.startswith("::ffff:") and subject.count(".") == 3:
        return subject[7:]
    return subject
