"""Privilege separation: what the processes may say to each other, over what, and how privileges are dropped.

``messages`` lists every message; ``channel`` carries one per SOCK_SEQPACKET datagram, with descriptors; ``drop``
gives privileges up for good. A process sends names, never paths, arguments or uids; the receiver looks them up in
its own copy of the configuration, and an unknown, malformed or untimely message ends the sender.
"""
