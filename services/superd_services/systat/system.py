"""Asks the system who is logged in (utmp(5)) and what runs (/proc): ``logins`` and ``processes``."""

import psutil

from superd_services.systat.protocol import Login, Process


def logins() -> tuple[Login, ...]:
    """Everybody whom utmp(5) has as logged in and whose process lives; nobody where there is no such file."""
    return tuple(
        Login(user.name, user.terminal or "-", user.started)
        for user in psutil.users()
        if psutil.pid_exists(int(user.pid))
    )


def processes() -> tuple[Process, ...]:
    """Every process that superd's user may see."""
    found = psutil.process_iter(["pid", "username", "create_time", "name"])
    return tuple(
        Process(
            pid=process.info["pid"],
            user=process.info["username"] or "?",
            started=process.info["create_time"] or 0.0,
            command=process.info["name"] or "?",
        )
        for process in found
    )
