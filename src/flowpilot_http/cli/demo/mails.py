"""A mail as whoever gets it reads it."""

import re
from email.message import EmailMessage
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

LINK: Final = re.compile(r"(https?://\S+)")


def announce(console: Console, mail: EmailMessage) -> None:
    """Whom it is to, and what about."""
    (recipient,) = mail["To"].addresses
    _say(console, Text(f"✉ {recipient.display_name} <{recipient.addr_spec}>: {mail['Subject']}"))


def show(console: Console, mail: EmailMessage, *, links: bool) -> None:
    """What it says.

    `links`: each stands alone on a line that nothing breaks, to be clicked or copied whole. Where the server that they lead to is gone
    before anybody has read them, they are left out.
    """
    plain = mail.get_body(("plain",))
    text = plain.get_content().replace("\r\n", "\n").strip() if plain else ""
    for line in text.split("\n"):
        said, *found = LINK.split(line)
        if said or not found:
            _say(console, Text(f"│ {said.rstrip()}", style="dim"))
        for link in found[::2]:
            if links:
                console.print(Text(link, style="green"), soft_wrap=True)
            else:
                _say(console, Text("│ (a link, which is good while the demo runs)", style="dim"))


def _say(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 3)))
