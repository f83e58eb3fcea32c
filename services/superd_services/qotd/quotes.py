"""The quotes of a qotd that is given none: things worth remembering about the services of this family."""

from typing import Final

from superd_services.qotd.protocol import split

_TEXT: Final = b"""\
An echo is a service, too.
%
The best port is the one that nobody listens on.
%
Read the log before you blame the network.
%
What is not bounded will one day be full.
%
A time-out is a decision that you did not know you made.
%
Every default is an answer to a question that nobody asked.
%
Write down who came, and who was sent away, and why.
%
Whoever may ask has not yet earned an answer.
%
Give up what you can't need before you meet what you can't trust.
%
The shortest protocol is a closed door.
%
A restart mends much and explains nothing.
%
If two machines can answer each other for ever, they will.
%
Nothing lasts like something temporary in a configuration file.
%
First see it fail.
%
Old protocols are like old roads: nobody planned them, and everything is built along them.
"""

BUILT_IN: Final = tuple(split(_TEXT))
"""As they are sent."""
