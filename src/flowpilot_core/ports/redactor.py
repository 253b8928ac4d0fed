"""Taking secrets out of what leaves FlowPilot: for a model, a mail, a PSA or a webhook."""

from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

Clean = Callable[[str], str]
"""A text of a case as it may leave: placeholders stand in the place of its secrets. What was cleaned stays as it is when cleaned again."""


class Redactor(Protocol):
    """Knows passwords, keys, tokens, cards and the like. What is stored stays as it is."""

    def __call__(self, texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
        """What takes the secrets out of any text of a case, given all `texts` that are on record in it.

        What is a secret in one of these, or in the text that is cleaned, is one however else it stands there. The same secret has
        the same placeholder inside the handoff or session `within`, and another elsewhere. With `personal`, e-mail addresses,
        telephone numbers and the like go too. A megabyte is some seconds of work: do it in a thread.
        """
