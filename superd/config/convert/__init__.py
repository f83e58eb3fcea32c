"""Writing services in another language: ``to_xinetd`` (xinetd.d files) and ``to_systemd`` (units).

Both take ``WrittenService`` values and give ``Generated`` files (``output``). What the other side has no counterpart
for becomes a comment, never silence; what would be more open there is refused or closed.
"""
