"""superd: a super-server that reads inetd's, xinetd's and tcp_wrappers' files.

Flow: ``superd.config`` turns files into one frozen ``Config``; the *supervisor* binds its sockets and forks
*workers*, which accept, ask ``superd.access`` for a verdict, and either run a built-in *service* in process or
ask a *launcher* to start a *program*. ``superd.log`` writes down what happened.
"""

__version__ = "0.1.0"
