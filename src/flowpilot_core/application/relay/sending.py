"""Giving a channel one message, whatever the channel does."""

import logging

from flowpilot_core.ports.notifications import Message, Notifier, NotSent


async def hand_over(notifier: Notifier, message: Message, log: logging.Logger) -> str | NotSent | None:
    """What the channel had to say, or why it did not accept the message."""
    try:
        return await notifier.send(message)
    except NotSent as refused:
        return refused
    except Exception as exc:
        # A channel that breaks its promise costs a try, like any other failure, and is as visible.
        log.exception("the channel failed")
        return NotSent(f"the channel failed: {type(exc).__name__}", unknown=True)
