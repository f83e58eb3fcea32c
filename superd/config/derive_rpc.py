"""Parts of a service that other programs direct clients to: Sun RPC and TCPMUX."""

from typing import Literal

from superd.config import values
from superd.config.context import Context
from superd.config.model import Rpc


def derive_rpc(context: Context) -> Rpc | None:
    """Derive what a portmapper would be told; ``None`` for services that are not of type RPC."""
    written = context.written
    if "RPC" not in context.types:
        return None
    context.missing("RPC services", context.origin_of(written.type, "RPC"))
    if written.rpc_version is None:
        context.error("missing-attribute", written.origin, f"RPC service {written.name} needs rpc_version")
    span = context.value("rpc_version", written.rpc_version, values.versions)
    number = context.value("rpc_number", written.rpc_number, lambda text: values.integer(text, 0))
    if number is None and written.rpc_number is None:
        number = context.machine.rpc_programs.get(written.name)
        if number is None or "UNLISTED" in context.types:
            text = f"RPC service {written.name} needs rpc_number: rpc(5) does not know it"
            context.error("missing-attribute", written.origin, text)
    return Rpc(number=number, lowest=span[0], highest=span[1]) if number is not None and span else None


def derive_tcpmux(context: Context) -> Literal["", "plain", "plus"]:
    """Derive whether the service is reached through tcpmux, and who sends the greeting then."""
    written = context.written
    kind = next((each for each in ("TCPMUXPLUS", "TCPMUX") if each in context.types), "")
    if not kind:
        return ""
    origin = context.origin_of(written.type, kind)
    if "UNLISTED" not in context.types:
        context.error("tcpmux-not-unlisted", origin, f"type {kind} needs UNLISTED beside it")
    if not context.streams or (written.protocol is not None and written.protocol.value.lower() != "tcp"):
        context.error("tcpmux-protocol", origin, f"type {kind} needs protocol = tcp")
    context.missing("TCPMUX clients", origin)
    return "plus" if kind == "TCPMUXPLUS" else "plain"
