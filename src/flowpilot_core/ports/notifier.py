"""Telling one person something over one channel."""

from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class Message:
    """One message to one person."""

    message_id: str
    """`<…@…>`, the same at every attempt."""
    to: str
    to_name: str
    account_name: str
    """Shown as the sender's name."""
    subject: str
    text: str
    html: str | None = None
    """The same, for who can show it."""
    thread_id: str | None = None
    """`<…@…>`, which all messages about one thing have in common."""
    unsubscribe_url: str | None = None
    """Where a POST, from a mail program at one click, ends messages of this kind."""
    maybe_twice: bool = False
    """Whether an earlier attempt may have arrived already."""


class NotSent(Exception):
    """The message was not accepted. `permanent`: it never will be, so that trying again is useless.

    `unknown`: it may have been accepted; its answer was lost. `logged`: what of `problem` a log may hold, where some of it is in
    another's words, which may name somebody; left out: all of it.
    """

    def __init__(self, problem: str, *, permanent: bool = False, unknown: bool = False, logged: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.logged = problem if logged is None else logged
        self.permanent = permanent
        self.unknown = unknown


class Notifier(Protocol):
    """A way to tell people: a mail server, or a list in memory."""

    async def send(self, message: Message) -> str | None:
        """Hand one message over; returning means it was accepted.

        Returns what the ledger is to say beside that, if anything: that the message went to a log and to nobody, say.
        Raises `NotSent`, and nothing else, within a bounded time. Any number of sends may run at once, and none depends on another.
        """
