"""Writes configuration texts in the xinetd language for tests."""

LOOPBACK = "127.0.0.1"


def stanza(name: str, *extra: str, **attributes: object) -> str:
    """One ``service`` block; ``extra`` are whole lines (``only_from += 10.0.0.1``)."""
    lines = [f"\t{key} = {value}" for key, value in attributes.items()]
    lines += [f"\t{line}" for line in extra]
    return "\n".join([f"service {name}", "{", *lines, "}", ""])


def defaults(*extra: str, **attributes: object) -> str:
    """The ``defaults`` block."""
    return stanza("", *extra, **attributes).replace("service ", "defaults", 1)


def internal(name: str, port: int, *extra: str, kind: str = "stream", **attributes: object) -> str:
    """A built-in service on a port of its own."""
    return stanza(
        name,
        *extra,
        id=f"{name}-{kind}",
        type="INTERNAL UNLISTED",
        socket_type=kind,
        protocol={"stream": "tcp", "dgram": "udp"}[kind],
        port=port,
        wait="no" if kind == "stream" else "yes",
        **attributes,
    )


def program(name: str, port: int, server: str, *extra: str, user: str, **attributes: object) -> str:
    """A program on a port of its own; stream nowait unless the attributes say otherwise."""
    kind = attributes.pop("socket_type", "stream")
    protocol = {"stream": "tcp", "dgram": "udp"}[str(kind)]
    facts = {"wait": "no", "user": user, "server": server, **attributes}
    return stanza(name, *extra, type="UNLISTED", socket_type=kind, protocol=protocol, port=port, **facts)
