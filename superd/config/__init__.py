"""Configuration: text -> raw entries -> the model *as written* -> the frozen model *as used*.

``xinetd`` and ``inetd`` are the readers; both yield ``written.WrittenService`` (every value with its ``Origin``).
``derive`` turns one of those into a ``model.Service``; ``load`` finds files, calls a reader for each, and returns
a ``model.Config`` with the ``Report`` of every problem met. ``plan`` compares two configurations for a reload.
Nothing in here opens a socket or knows the time.
"""
