"""Sockets: making them, who has an address, which interfaces there are, what a name means."""
