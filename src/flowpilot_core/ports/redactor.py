"""Taking secrets out of what leaves FlowPilot: for a model, a mail, a PSA or a webhook."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID


class Redactor(Protocol):
    """Puts placeholders in the place of passwords, keys, tokens, cards and the like. What is stored stays as it is."""

    def __call__(self, text: str, *, within: UUID, personal: bool = False, beside: Iterable[str] = ()) -> str:
        """`text` without its secrets.

        The same secret has the same placeholder inside the handoff or session `within`, and another elsewhere. With `personal`,
        e-mail addresses, telephone numbers and the like go too. What is a secret in one of the texts `beside` is one in `text`,
        however it stands there: give it the other texts of the case. Redacting what was redacted changes nothing. A text of a
        megabyte is some seconds of work: do it in a thread.
        """
