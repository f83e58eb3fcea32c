"""Access control: pure functions of (service, peer, now, state) that give a ``Verdict``.

``admission`` walks the steps in order; ``addresses`` answers for only_from/no_access, ``times`` for access_times,
``limits`` keeps the counters, ``hosts_access`` is tcp_wrappers' language.
"""
