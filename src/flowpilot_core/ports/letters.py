"""What a message says, before it is text or HTML."""

from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class Item:
    """One thing that a letter tells of."""

    title: str
    facts: tuple[tuple[str, str], ...]
    """Label and value, in order."""
    link: str
    link_text: str


@frozen(kw_only=True)
class Letter:
    """One message to one person."""

    account_name: str
    greeting: str
    lead: str
    """The sentence that must be read."""
    items: tuple[Item, ...]
    closing: str
    """Why they got it."""
    unsubscribe: str | None = None
    """Where whoever wants no more of this kind goes, if that is theirs to say."""

    @property
    def text(self) -> str:
        """The letter as plain text."""
        blocks = [self.greeting, self.lead, *(_block(item) for item in self.items), self.closing]
        if self.unsubscribe:
            blocks.append(f"No such mails any more: {self.unsubscribe}")
        return "\n\n".join(blocks) + "\n"


class Typesetter(Protocol):
    """Sets letters in HTML."""

    def __call__(self, letter: Letter) -> str:
        """`letter` as an HTML document that loads nothing; what people wrote in it is shown as text, whatever it looks like."""


def _block(item: Item) -> str:
    width = max(len(label) for label, _ in item.facts) + 1 if item.facts else 0
    facts = [f"{label + ':':<{width}} {value}" for label, value in item.facts]
    return "\n".join([item.title, *facts, "", f"{item.link_text}: {item.link}"])
