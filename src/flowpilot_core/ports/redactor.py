"""Taking secrets out of what leaves FlowPilot: for a model, a mail, a PSA or a webhook."""

from typing import Protocol
from uuid import UUID


class Redactor(Protocol):
    """Puts placeholders in the place of passwords, keys, tokens, cards and the like. What is stored stays as it is."""

    def __call__(self, text: str, *, within: UUID, personal: bool = False) -> str:
        """`text` without its secrets.

        The same secret has the same placeholder inside the handoff or session `within`, and another elsewhere. With `personal`,
        e-mail addresses, telephone numbers and the like go too. Redacting what was redacted changes nothing.
        """
