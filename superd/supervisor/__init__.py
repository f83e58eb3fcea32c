"""The supervisor: owns the sockets, forks workers and launchers, watches them, handles signals and reloads.

It runs a plain ``selectors`` loop, has no thread and no event loop (so that forking is safe), and never reads
a byte that came from the network. ``main`` is the loop, ``children`` forks and remembers processes,
``generation`` turns a configuration into the parts each process gets, ``listeners`` keeps sockets across reloads.
"""
