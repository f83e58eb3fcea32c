"""Every exception superd raises on purpose; the command line prints them without a traceback."""


class SuperdError(Exception):
    """Something a person has to mend; the text is one line and names file, line, port or peer."""


class ConfigError(SuperdError):
    """The configuration as a whole can't be used: unreadable, or broken under ``--strict``."""


class BindError(SuperdError):
    """A socket could not be made or bound; the text names the address, the port and its holder."""


class PrivilegeError(SuperdError):
    """Privileges could not be dropped, or could be taken back afterwards."""


class ProtocolViolation(SuperdError):
    """A process of ours sent a message that is unknown, malformed or untimely; its sender is ended."""
