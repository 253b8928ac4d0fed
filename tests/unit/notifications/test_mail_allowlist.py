"""A copy of an installation, with its people and their addresses, mails nobody but those its operator named."""

import pytest

from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_core.application.notifications.mail_allowlist import MailOnlyTo
from flowpilot_core.ports.notifications import Message, NotSent
from flowpilot_http.main.mail import notifying
from flowpilot_http.settings import Settings

pytestmark = pytest.mark.anyio


def a_message(to: str) -> Message:
    return Message(message_id="<1@msp.test>", to=to, to_name="Sam", account_name="Acme", subject="Stuck", text="Look")


@pytest.mark.parametrize(
    ("to", "mailed"),
    [
        ("ops@staging.test", True),
        ("OPS@Staging.test", True),
        ("anybody@qa.test", True),
        ("sam@acme.test", False),
        ("sam@qa.test.acme.test", False),
        ("qa.test@acme.test", False),
        ("not-ops@staging.test", False),
    ],
)
async def test_whoever_is_not_named_is_refused_for_good(to: str, mailed: bool) -> None:
    """A43: the people in a copied database are real, and so are their addresses."""
    everybody = MemoryNotifier()
    some = MailOnlyTo(everybody, frozenset({"ops@staging.test", "@qa.test"}))

    if mailed:
        await some.send(a_message(to))
    else:
        with pytest.raises(NotSent, match="only whom its operator named") as refused:
            await some.send(a_message(to))
        assert refused.value.permanent

    assert ([to] if mailed else []) == everybody.recipients


async def test_the_operator_names_them_by_a_setting() -> None:
    """A43"""
    copy = Settings.of({"FLOWPILOT_MAIL_ONLY_TO": "Ops@staging.test, @qa.test"})

    async with notifying(copy) as some, notifying(Settings.of({})) as everybody:
        await some.send(a_message("ops@staging.test"))
        await everybody.send(a_message("sam@acme.test"))
        with pytest.raises(NotSent):
            await some.send(a_message("sam@acme.test"))
