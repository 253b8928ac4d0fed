"""What a quiet maintenance window holds, and until when."""

from datetime import timedelta

import pytest

from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import MaintenanceScheduleId
from flowpilot_core.domain.notifications.delivery import Channel, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.preview import foretell
from flowpilot_core.domain.notifications.timing import MAINTENANCE, About, Member, quiet_until, word
from flowpilot_core.domain.notifications.webhook import WebhookFormat
from flowpilot_core.domain.notifications.webhook_formats import waits_in_maintenance
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.window import Window
from flowpilot_core.testing.builders import NOON, STAFF, new_id

HOUR = timedelta(hours=1)
BEN = Preferences(user_id=STAFF.ben.user_id)


def a_window(*, quiet: bool = True) -> Window:
    return Window(schedule_id=MaintenanceScheduleId(new_id()), name="Patch night", until=NOON + HOUR, quiet=quiet, clients=("contoso",))


@pytest.mark.parametrize("kind", DeliveryKind)
def test_a_mail_of_any_kind_waits_until_it_ends(kind: DeliveryKind) -> None:
    about = About(kind=kind, priority=Priority.HIGH, since=NOON, window=a_window())

    during, after = (word(BEN, about, on_duty=True, at=at) for at in (NOON, NOON + HOUR))

    assert (MAINTENANCE, NOON + HOUR) == (during.reason, during.until)
    assert (None, None) == (after.reason, after.until)


def test_a_push_does_not_wait() -> None:
    about = About(priority=Priority.LOW, since=NOON, window=a_window(), online=frozenset({BEN.user_id}))

    assert None is word(BEN, about, channel=Channel.PUSH, on_duty=True, at=NOON).reason


def test_nothing_urgent_waits_and_a_window_that_is_not_quiet_holds_nothing() -> None:
    assert None is quiet_until(a_window(), Priority.URGENT, NOON)
    assert None is quiet_until(a_window(quiet=False), Priority.LOW, NOON)
    assert None is quiet_until(None, Priority.LOW, NOON)


@pytest.mark.parametrize(
    ("format", "kind", "waits"),
    [
        (WebhookFormat.SLACK, EventKind.HANDOFF_ESCALATED, True),
        (WebhookFormat.TEAMS, EventKind.SESSION_RESOLVED, True),
        (WebhookFormat.PAGERDUTY, EventKind.HANDOFF_REMINDED, True),
        (WebhookFormat.GOALERT, EventKind.HANDOFF_LAPSED, True),
        (WebhookFormat.PAGERDUTY, EventKind.HANDOFF_CLAIMED, False),
        (WebhookFormat.GOALERT, EventKind.SESSION_RESOLVED, False),
        (WebhookFormat.STANDARD, EventKind.HANDOFF_ESCALATED, False),
    ],
)
def test_chats_wait_and_pages_that_open_an_alert_and_nothing_else(format: WebhookFormat, kind: EventKind, waits: bool) -> None:
    assert waits is waits_in_maintenance(format, kind)


def test_whoever_previews_an_escalation_is_told_that_it_waits() -> None:
    member = Member(user_id=BEN.user_id, name="Ben", role=STAFF.ben.role, preferences=BEN)

    outlook = foretell(EscalationPolicy(), [member], escalated_by=STAFF.anna.user_id, priority=Priority.NORMAL, window=a_window(), at=NOON)

    assert [(MAINTENANCE, NOON + HOUR)] == [(one.reason, one.until) for one in outlook.told[0].words]
