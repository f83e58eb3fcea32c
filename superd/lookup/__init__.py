"""Asking the network who a client is, from a worker and without ever blocking it.

``names.Names`` finds the host name of an address, and verifies it; ``verify`` is the rule for that, and does no
input or output. The answers come from hosts(5) (``hosts_file``) and from DNS (``dns``, which asks through
c-ares, ``channel``; ``records`` reads what it is told), in the order of nsswitch.conf(5) (``system``). A
``Pointer`` is what the address is called; a ``Forward`` is what that name means. ``ident`` asks the client's own
host for its user, and ``netgroups`` the system for the members of a group.

Nothing here raises because of what somebody on the network said or did not say: every question has an answer
before its deadline, if only "unknown" with a reason.
"""
