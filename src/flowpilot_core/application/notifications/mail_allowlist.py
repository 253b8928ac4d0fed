"""An installation that mails nobody but those it is meant for: a copy of another, most of all, whose people are real."""

from attrs import frozen

from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.ports.notifications import Message, Notifier, NotSent


@frozen
class MailOnlyTo:
    """A way to tell people that refuses everybody else for good, which their deliveries say."""

    notifier: Notifier
    allowed: frozenset[str]
    """Addresses and, with their `@`, domains; folded."""

    async def send(self, message: Message) -> str | None:
        """As `Notifier.send` says."""
        address = folded_email(message.to)
        if not self.allowed & {address, f"@{address.rpartition('@')[2]}"}:
            raise NotSent("this installation mails only whom its operator named", permanent=True)
        return await self.notifier.send(message)
