import logging

import pytest

from flowpilot_adapters.log_notifier import LogNotifier
from flowpilot_core.testing.contracts.notifications.notifier import a_message

pytestmark = pytest.mark.anyio


async def test_the_log_says_that_a_mail_would_be_sent_and_neither_to_whom_nor_what(caplog: pytest.LogCaptureFixture) -> None:
    """A42: no addresses and no bodies."""
    caplog.set_level(logging.INFO, logger="flowpilot.mail")

    assert "no mail server is set: written to the log" == await LogNotifier().send(a_message())

    (record,) = caplog.records
    assert (a_message().message_id, "example.com") == (record.__dict__["message_id"], record.__dict__["to_domain"])
    everything = str(record.__dict__)
    assert not [secret for secret in ("anna", "Anna", "VPN", "prints") if secret in everything]


async def test_at_level_debug_the_log_has_the_whole_mail(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="flowpilot.mail")

    await LogNotifier().send(a_message())

    assert "To: Anna Ahlberg <anna@example.com>\nSubject: [high] VPN down\n\nNothing prints any more.\n" == caplog.messages[-1]
