"""Where no mail server is set: the log."""

import logging

from flowpilot_core.ports.notifications import Message

log = logging.getLogger("flowpilot.mail")


class LogNotifier:
    """Writes to the log that a mail would be sent, and accepts it.

    At level info without the text, which tells of a client, and without the name in the address; at level debug the whole mail, for
    whoever tries FlowPilot on their own machine.
    """

    async def send(self, message: Message) -> str:
        """As `Notifier.send`; it is always accepted, and the ledger says what became of it."""
        log.info(
            "no mail server is set: mail written to the log",
            extra={"message_id": message.message_id, "to_domain": message.to.rpartition("@")[2]},
        )
        log.debug("To: %s <%s>\nSubject: %s\n\n%s", message.to_name, message.to, message.subject, message.text)
        return "no mail server is set: written to the log"

    async def close(self) -> None:
        """Nothing is open."""
