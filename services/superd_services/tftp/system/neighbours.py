"""The hardware addresses of hosts on the same network, as the kernel knows them: ``hardware_address``."""

from pathlib import Path
from typing import Final

TABLE: Final = Path("/proc/net/arp")
"""IP address, type, flags, hardware address, mask, device (proc(5)); IPv4 alone."""

_COMPLETE: Final = 0x2
"""ATF_COM: the hardware address is known."""
_COLUMNS: Final = 6


def hardware_address(host: str) -> str | None:
    """Return the hardware address of a host, in small letters with colons; ``None`` when it is not known."""
    try:
        lines = TABLE.read_text("ascii").splitlines()[1:]
    except (OSError, ValueError):
        return None
    for line in lines:
        columns = line.split()
        if len(columns) == _COLUMNS and columns[0] == host and int(columns[2], 16) & _COMPLETE:
            return columns[3].lower()
    return None
