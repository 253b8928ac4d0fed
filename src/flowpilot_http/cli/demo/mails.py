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


def show(console: Console, mail: EmailMessage) -> None:
    """What it says.

    A link stands alone on a line that nothing breaks, to be clicked or copied whole. Off a terminal the server it leads to is gone before
    anybody has read it, so that it is left out.
    """
    plain = mail.get_body(("plain",))
    text = plain.get_content().replace("\r\n", "\n").strip() if plain else ""
    for line in text.split("\n"):
        said, *links = LINK.split(line)
        if said or not links:
            _say(console, Text(f"│ {said.rstrip()}", style="dim"))
        for link in links[::2]:
            if console.is_terminal:
                console.print(Text(link, style="green"), soft_wrap=True)
            else:
                _say(console, Text("│ (a link, which is good while the demo runs)", style="dim"))


def _say(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 3)))
