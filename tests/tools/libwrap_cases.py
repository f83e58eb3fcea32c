"""Generates cases for libwrap and superd: ``case`` makes one from a random number generator.

Files are written by the grammar of hosts_access(5) first, with every pattern and option, and words that fit the client
often enough to match; then some are damaged byte by byte.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tools.libwrap import Case
from tools.libwrap_repairs import LINE_LIMIT

ADDRESSES: Final = (
    "10.1.2.3", "10.1.2.4", "10.0.0.1", "192.168.1.5", "172.16.5.9", "127.0.0.1", "8.8.8.8", "100.64.0.1",
    "0.0.0.0", "2001:db8::1", "2001:db8:1:2::9", "::1", "::", "fe80::1", "fe80::1%lo", "::ffff:10.1.2.3",
    "::ffff:192.168.1.5",
)  # fmt: skip
NAMES: Final = (
    "gw.example.com", "GW.Example.com", "mail.example.org", "alpha", "LAB", "10x.test", "10.evil.test",
    "a.b.lab", "localhost", "unknown", "paranoid", "1.2.3.4", "2001:db8::7", "host-1.example.com",
    "3.2.1.10.in-addr.arpa", "known.x",
)  # fmt: skip
USERS: Final = ("bob", "Alice", "root", "unknown", "ALL", "b.b", "-x", "a-very-long-user-name")
ODD_USERS: Final = ("a b", "b$(x)b", "\xc9", "e\xe9", "\xb5", "`x`", "x;y")
"""What libwrap cleans when it first expands it, and compares cleaned from then on, which superd does not."""

USER_WORDS: Final = (*USERS, "KNOWN", "b*", "b**", "UNKNOWN", ".b", "", "\xe9", "\xb5", "?")
DAEMONS: Final = ("sshd", "in.ftpd", "in.telnetd", "SSHD", "vsftpd", "unknown", "22x", "rpc.mountd")
KEYWORDS: Final = ("ALL", "LOCAL", "KNOWN", "UNKNOWN", "PARANOID", "all", "Known", "FAIL", "EXCEPT", "except")
PLACES: Final = (
    "10.", "10.1.", "10.1.2.", "192.168.", ".3", ".2.3", "10", "10.1", "1.2.3.4.5", "10.1.2.3.",
    "10.1.2.0/24", "8.0.0.0/8", "10.1.2.3/24", "10.1.2.3/32", "10.1.2.3/255.255.255.255", "0.0.0.0/0",
    "0.0.0.0/0.0.0.0", "10.0.0.0/255.0.0.0", "10.0.0.3/255.0.0.255", "10.1.2.0/33", "10.1.2.0/",
    "10.0.0.0/8x", "010.0.0.0/8", "0xa.0.0.0/8", "10.1/16", "1.2.3.4/a/8", "[2001:db8::1]",
    "[2001:DB8:0::1]", "[::1]", "[::]", "[::]/0", "[2001:db8::]/32", "[2001:db8::5]/32", "[fe80::]/10",
    "[2001:db8::]/129", "[2001:db8::]/x", "[::ffff:10.1.2.3]", "[::ffff:0:0]/96", "[fe80::1]",
    "[fe80::1%lo]", "[fe80::1%no]", "[10.1.2.3]", "[10.0.0.0]/8", "[::1", "::1]", "[x]", "[]", "2001?db8*",
    "*:db8::*", "*", "?*", "*.*", "10.*", "10.1.2.?", "*.3", "1*", "**", "10.**", "u*", "*.example.com",
    "gw.*", "*lph*", "?lpha", "**a**", "*?", "?**?", ".example.com", ".com", "gw.", "alpha.", ".", "..",
    "gw.example.com", "example.com", "@lan", "@any", "@none", "@", "@LAN", "@g@h", "LOCALHOST",
    "{DIR}/list", "{DIR}/more", "{DIR}/missing", "/", "#", "\\", "x\\", "::1", "2001:db8::1",
)  # fmt: skip
LISTED: Final = (
    "10.1.2.", ".example.com", "[2001:db8::]/32", "10.0.0.0/8", "KNOWN", "#", "EXCEPT", "x:", "bob@ALL",
    "@any", "alpha", "10.1.2.3,", "LOCAL", "192.168.1.5", "10.1.2.3/255.255.255.255", "0.0.0.0/0", "u*",
    "{DIR}/list2", "[::1]", "[", "*.org",
)  # fmt: skip
PORTS: Final = ("22", "80", "0022", "+22", "-5", "65558", "4294967318", "22x", "0x16", "0")
VALUES: Final = {
    "allow": ("", "", "", "=", "x"),
    "deny": ("", "", "", "=", "x"),
    "twist": ("echo %a", "/bin/x %u@%h \\: %d", "", "= y"),
    "spawn": ("x %c", "echo %n %h", "echo %h %n", "y %u %A %N %H", "%s %r %R %p %%", "= x", "", "100%", "a\\b",
              "a\\\\:b", "%z"),
    "aclexec": ("true", "false", "exit 3", "test %d = sshd", "test %a != 10.1.2.3", "", "kill -9 $$"),
    "setenv": ("A b", "A  b c", "A=b", "A", "", "PEER %n", "USER_%u %c", "= x", "X %"),
    "severity": ("info", "auth.info", "LOCAL3.Err", "mail.warning", "authpriv.info", "error", "kern.notice", "info.",
                 ".info", "mail . info", ""),
    "rfc931": ("", "5", "0", "-3", "x", "5x", "+7", "5 5"),
    "banners": ("{DIR}/b", "{DIR}/none", "", "{DIR}/b/"),
    "keepalive": ("", "", "x"),
    "linger": ("5", "0", "-1", "5x", "", "+3", "05"),
    "nice": ("", "5", "-5", "x", "+2", "0"),
    "umask": ("022", "0777", "777", "1000", "8", "-1", "+22", "0", "", "022x"),
    "user": ("nobody", "nobody.nogroup", "nosuch", "nobody.nosuch", ".", "0", ""),
    "group": ("nogroup", "nosuch", "", "65534"),
    "bogus": ("", "x"),
    "": ("", " "),
    "(echo x) &": ("",),
}  # fmt: skip
BANNERS: Final = (
    "Hello %a at %d\n",
    "%n\nline two\nlast",
    "\0\0bytes %u\n",
    "",
    "100%",
    "\n\n",
    "a\r\nb\n",
    "a\x0bb\n",
)
NOISE: Final = "[]:\\@#,= \t\r\n\x0b\x0c\x00\x1c\x1f\x7f\x85\xa0\xff\xb5/*?.%0a"
"""What words are cut, glued and spoilt with; what Python takes for blanks and capitals beyond C's is in it."""


def case(random: Random) -> Case:
    """Make one case."""
    lazy = random.random() < 0.6
    made: Case = {
        "daemon": random.choice(DAEMONS),
        "client_addr": None,
        "mode": "dns" if lazy else "direct",
        "netgroups": {"lan": ["gw.example.com", "alpha"], "any": ["-"], "none": ["zz"], "g@h": ["LAB"]},
    }
    if random.random() < 0.95:
        made |= {"client_addr": random.choice(ADDRESSES), "client_port": random.choice((40000, None))}
    if random.random() < 0.7:
        made |= {"server_addr": random.choice(ADDRESSES), "server_port": random.choice((22, 80, None))}
    _Writer(random, made).write_all()
    _know(made, random, lazy=lazy)
    return made


def _know(made: Case, random: Random, *, lazy: bool) -> None:
    """Give the client and the server names and a user."""
    users = (
        USERS if "aclexec" in (made["allow_text"] or "").replace("\\\n", "").lower() else USERS + ODD_USERS
    )
    user = random.choice(users) if random.random() < 0.6 else None
    if not lazy:
        made |= {"user": user, "client_name": _name(random), "server_name": _name(random)}
        return
    made["ident"] = user
    addresses = {made["client_addr"], made.get("server_addr")} - {None}
    made["dns"] = {"ptr": {}, "fwd": {}}
    for address in sorted(addresses):
        name = _name(random)
        made["dns"]["ptr"][_asked(address)] = name
        if name is not None and random.random() < 0.9:
            made["dns"]["fwd"][name] = _record(random, name, _asked(address))


def _name(random: Random) -> str | None:
    return random.choice(NAMES) if random.random() < 0.8 else None


def _asked(address: str) -> str:
    lower = address.lower()
    return lower.removeprefix("::ffff:") if "." in lower else lower


def _record(random: Random, name: str, address: str) -> dict[str, object]:
    """What the name resolves to: mostly the client, sometimes somebody else."""
    others = ["9.9.9.9", "2001:db8::99"]
    addresses = random.choice(([address], [address], [*others, address], others, others[:1]))
    return {"canon": random.choice((name, name, name.lower(), "other.example.com", "")), "addrs": addresses}


class _Writer:
    """Writes the files of one case."""

    def __init__(self, random: Random, made: Case) -> None:
        self.random = random
        self.made = made

    def write_all(self) -> None:
        self.made["allow_text"] = self.file(self.random.randint(0, 6))
        self.made["deny_text"] = (
            "ALL: ALL\n" if self.random.random() < 0.4 else self.file(self.random.randint(0, 5))
        )
        words = self.random.choices(LISTED, k=self.random.randint(0, 5))
        listed = "".join(word + self.random.choice((" ", "\n", "\t", "\r\n", "\f", "\xa0")) for word in words)
        self.made["files"] = {
            "list": listed,
            "list2": self.random.choice(LISTED[:5]),
            "more": "{DIR}/list",
            f"b/{self.made['daemon']}": self.random.choice(BANNERS),
        }

    def file(self, rules: int) -> str | None:
        if self.random.random() < 0.04:
            return None
        lines = [self.random.choice(_EXTRAS)(self) for _ in range(rules)]
        if self.random.random() < 0.5:
            lines.append("ALL: ALL\n")
        text = "".join(lines)
        return self.damaged(text) if self.random.random() < 0.2 else text

    def rule(self) -> str:
        daemons, clients = self.list(self.daemon), self.list(self.client)
        options = "".join(f"{self.blank()}:{self.option()}" for _ in range(self.count()))
        return f"{daemons}{self.blank()}:{clients}{options}{self.blank()}\n"

    def blank(self) -> str:
        return self.random.choice(("", "", " ", "\t", " \r", " \\\n "))

    def count(self) -> int:
        return self.random.choice((0, 0, 1, 1, 2, 3))

    def list(self, word: Callable[[], str]) -> str:
        words = [word() for _ in range(self.random.choice((0, 1, 1, 1, 1, 2, 2, 3, 4)))]
        if words and self.random.random() < 0.25:
            words.insert(self.random.randint(0, len(words)), self.random.choice(("EXCEPT", "except")))
        separator = self.random.choice((" ", " ", ", ", ",", "\t", " \\\n  ", ",\\\n"))
        return self.blank() + separator.join(words)

    def daemon(self) -> str:
        chosen = self.random.random()
        if chosen < 0.4:
            word = "ALL"
        elif chosen < 0.7:
            word = self.cased(self.made["daemon"])
        else:
            word = self.random.choice(
                (*DAEMONS, *PORTS, "in.*", "in.", ".ftpd", "s**d", "KNOWN", "#", "[x", "@", "*")
            )
        return f"{word}@{self.place('server_addr')}" if self.random.random() < 0.15 else word

    def client(self) -> str:
        host = self.place("client_addr")
        if self.random.random() < 0.15:
            return f"{self.random.choice(USER_WORDS)}@{host}"
        return host

    def place(self, which: str) -> str:
        """A host pattern, often about the end that the case has."""
        chosen = self.random.random()
        address = self.made.get(which)
        if chosen < 0.15:
            return "ALL"
        if chosen < 0.25:
            return self.cased(self.random.choice(KEYWORDS))
        if chosen < 0.45 and address is not None:
            return self.about(_asked(address))
        if chosen < 0.55:
            return self.cased(self.random.choice(NAMES))
        return self.random.choice(PLACES)

    def about(self, address: str) -> str:
        if ":" in address:
            return self.random.choice(
                (f"[{address}]", f"[{address}]/64", f"[{address}]/128", address, f"[{address}]/0")
            )
        head, _, tail = address.rpartition(".")
        forms = (
            address,
            f"{head}.",
            f".{tail}",
            f"{head}.0/24",
            f"{address}/32",
            f"{head}.*",
            f"{address}/255.255.255.0",
        )
        return self.random.choice(forms)

    def option(self) -> str:
        keyword = self.random.choice((*VALUES, "spawn", "setenv", "aclexec", "aclexec", "severity"))
        value = self.random.choice(VALUES[keyword])
        between = self.random.choice((" ", " ", "=", " = ", "  ", "\t"))
        return f"{self.blank()}{self.cased(keyword)}{between if value else ''}{value}"

    def cased(self, word: str) -> str:
        return self.random.choice((word, word, word.upper(), word.lower(), word.swapcase()))

    def damaged(self, text: str) -> str:
        return self.random.choice(_DAMAGES)(text, self.random)


_EXTRAS: Final[Sequence[Callable[[_Writer], str]]] = (
    *[_Writer.rule] * 12,
    lambda _: "\n",
    lambda _: " \t\r\n",
    lambda writer: f"# comment: ALL{writer.blank()}\n",
    lambda writer: f" {writer.rule()}",
    lambda _: "no colon here\n",
    lambda _: "\\\n",
)


def _noisy(text: str, random: Random) -> str:
    for _ in range(random.randint(1, 4)):
        place = random.randint(0, len(text))
        text = text[:place] + random.choice(NOISE) + text[place + random.randint(0, 1) :]
    return text


def _cut(text: str, random: Random) -> str:
    return text[: random.randint(0, len(text))]


def _long(text: str, random: Random) -> str:
    """Put in a line about as long as libwrap can hold."""
    lines = text.split("\n")
    head = random.choice(("# ", "sshd: alpha ", "ALL: 10.1.2.3", "ALL: ALL: spawn", " ", "ALL: LOCAL \\\n"))
    filler = random.choice((" ", ",", "x", "x ")) * LINE_LIMIT
    lines.insert(
        random.randint(0, len(lines)), head + filler[: LINE_LIMIT + random.randint(-4, 3) - len(head)]
    )
    return "\n".join(lines)


_DAMAGES: Final[Sequence[Callable[[str, Random], str]]] = (
    _noisy,
    _noisy,
    _noisy,
    _cut,
    _long,
    lambda text, _: text.rstrip("\n"),
    lambda text, _: text + "\\\n",
    lambda text, _: text.replace("\n", "\r\n"),
)
