"""A client's address as file names have it."""

from ipaddress import ip_address


def plain(host: str) -> str:
    """Return a numeric address without the interface that a link-local one is written with."""
    return host.partition("%")[0]


def is_ipv4(host: str) -> bool:
    """Tell the family of a numeric address."""
    return ":" not in host


def hexadecimal(host: str) -> str:
    """Return an address as 8 or 32 upper-case hexadecimal digits, as PXELINUX asks for its configuration."""
    return ip_address(plain(host)).packed.hex().upper()
