"""What tftp asks of the system, blocking. It runs in a thread (superd.service.Call), but for ``texts``.

``store`` has the files of a configured service: ``roots`` finds them with ``jail``, ``reading`` sends them, ``writing``
receives them and ``publish`` gives them their names;
``neighbours`` knows hardware addresses. ``texts`` reads what the configuration names, while that is
read; the options need it, so this package imports none of its modules.
"""
