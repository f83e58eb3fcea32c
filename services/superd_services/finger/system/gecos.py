"""The comment field of an account: ``parse`` (passwd(5), chfn(1))."""

from dataclasses import dataclass
from typing import Final

_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Gecos:
    """What the field says; empty where it does not."""

    name: str = ""
    office: str = ""
    phone: str = ""
    home_phone: str = ""


def parse(field: str, login: str) -> Gecos:
    """Read a field; ``&`` in the name stands for the login with a capital."""
    name, *rest = (part.strip() for part in field.split(",", _PARTS)[:_PARTS])
    return Gecos(name.replace("&", login.capitalize()), *rest)
