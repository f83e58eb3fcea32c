"""Rules of map files, names, and what the rules make of them for 192.0.2.169, or else which error.

``COMMON`` is the language of tftp-hpa 5.2, ``LATER`` what 5.4 and its successors added, or
mended: 5.2 puts the name before a refusal's text, restarts at the second rule, and finds no end of some rules.
"""

CLIENT = "192.0.2.169"

COMMON = [
    # tftpd(8): the operations
    ("", "name", "name"),
    ("# only a comment\n\n   \t\n", "name", "name"),
    ("r b X", "abcb", "aXcb"),
    ("r b", "abcb", "acb"),
    ("r b # a comment", "abcb", "acb"),
    ("r b X#comment", "abc", "aXc"),
    ("\t r \t b \t X \t", "abc", "aXc"),
    ("r b X\r\nr X Y\r\n", "abc", "aYc"),
    ("r B X", "abc", "abc"),
    ("ri B X", "abc", "aXc"),
    ("rg b X", "abcb", "aXcX"),
    ("rg aa a", "aaaaa", "a"),
    ("rg ^a ", "aaab", "b"),
    ("re a b\nr b c", "a", "b"),
    ("re x b\nr b c", "b", "c"),
    ("e a\nr a b", "a", "a"),
    ("e~ a\nr a b", "c", "c"),
    ("~e b\nr a c", "a", "a"),
    ("r ^[^/] /\\0\nrs ^/a/ b/", "a/c", "/b/c"),
    # classic rules
    ("rg \\\\ /", "\\Boot\\x64\\BCD", "/Boot/x64/BCD"),
    ("ri ^/boot boot", "/BOOT/file", "boot/file"),
    ("r ^/tftpboot/ ", "/tftpboot/file", "file"),
    ("r ^pxelinux\\.bin.* pxelinux.bin", "pxelinux.biny\n\x1e", "pxelinux.bin"),
    ("rg [A-Z]+ \\L\\0", "BooT/FILE.x", "boot/file.x"),
    ("re ^pxelinux.cfg/(.*)$ menus/\\1.\\i", "pxelinux.cfg/default", "menus/default.192.0.2.169"),
    # replacements
    ("r (b)(c) \\2\\1\\0", "abcd", "acbbcd"),
    ("r (b)|(c) [\\1\\2]", "ac", "a[c]"),
    ("r b \\9", "abc", "ac"),
    ("r b \\i", "abc", "a192.0.2.169c"),
    ("r b \\x", "abc", "aC00002A9c"),
    ("r b \\\\", "abc", "a\\c"),
    ("r b x\\", "abc", "ax\\c"),
    ("r b \\ \\#\\q", "abc", "a #qc"),
    ("r b \\Uxy\\0\\Ez\\L\\x\\E\\x", "abc", "aXYBzc00002a9C00002A9c"),
    ("r a\\ b\\#c X", "a b#c", "X"),
    # POSIX, not Python: the longest alternative, classes, intervals, anchors
    ("r a|ab|abc X", "abcd", "Xd"),
    ("r [[:digit:]]{2,3} X", "a1234", "aX4"),
    ("r [^[:alnum:]] X", "a/b", "aXb"),
    ("r (a*)(ab)*(b*) <\\1,\\2,\\3>", "abb", "<a,,bb>"),
    # which requests
    ("rG a b", "a", "b"),
    ("rP a b", "a", "a"),
    ("r4 a b", "a", "b"),
    ("r6 a b", "a", "a"),
    # refusals
    ("a secret", "a/secret/b", "ERROR 2 Access denied"),
    ("a~ ^pub/", "x", "ERROR 2 Access denied"),
    ("a~ ^pub/", "pub/x", "pub/x"),
]

LATER = [
    ("r ^a c\nrs b", "bab", "c"),
    ("a secret No\\ such\\ thing:\\ \\0", "a/secret", "ERROR 2 No such thing: secret"),
    ("a~ ^pub/ Only\\ \\0pub", "x", "ERROR 2 Only pub"),
    ("rg a aa", "a", "ERROR 2 Access violation"),
    ("s a", "a", "ERROR 2 Access violation"),
    ("rgg aa a", "aaaaa", "aaa"),
    ("rgg x* -", "abc", "-a-b-c"),
    ("rgg ^a X", "aaa", "Xaa"),
    ("rE ^ boot/\nr t X", "there", "boot/there"),
    ("rE ^ x/\nr t X", "there", "Xhere"),
    ("E .\nr t X", "there", "there"),
    ("E .\nr t X", "tha", "Xha"),
    ("j a end\nr b X\n:end\nr c Y", "abc", "abY"),
    ("j z end\nr b X\n:end\nr c Y", "abc", "aXY"),
    ("j ^(.) \\1\nr b X\n:a\nr c Y", "abc", "abY"),
    ("j ^(.) \\1\n:b", "abc", "ERROR 2 Access violation"),
    (":end\nj a end", "a", "ERROR 2 Access violation"),
]
