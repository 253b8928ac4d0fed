"""What a webhook is sent, in the words of whoever is at the other end.

Standard Webhooks for programs; the bodies that Slack, Teams, PagerDuty (Events API v2) and GoAlert (generic API) take as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.kernel.canonical_json import instant
from flowpilot_core.domain.kernel.events import EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import EventId, HandoffId, SessionId
from flowpilot_core.domain.kernel.name import printable
from flowpilot_core.domain.sessions.session import Priority, Session

from .webhook import CHATS, PAGERS, WebhookFormat


@frozen(kw_only=True)
class WebhookFacts:
    """An event as a webhook tells it: ids, who and when, and a line to decide by. Whatever people wrote in it was redacted."""

    event_id: EventId | None
    kind: EventKind | None
    """None: a test."""
    at: datetime
    by_id: str | None
    by_name: str
    session_id: SessionId | None
    handoff_id: HandoffId | None
    title: str
    """What it is about, with the client's name."""
    priority: Priority
    link: str
    routing_key: str | None = None


DEEDS: Mapping[EventKind | None, str] = MappingProxyType(
    {
        None: "sent a test",
        EventKind.HANDOFF_ESCALATED: "is stuck and needs a colleague",
        EventKind.HANDOFF_REROUTED: "sent it on",
        EventKind.HANDOFF_ASSESSED: "assessed it",
        EventKind.HANDOFF_CLAIMED: "took it",
        EventKind.HANDOFF_UNCLAIMED: "gave it back",
        EventKind.HANDOFF_LAPSED: "returned it to the queue, since nobody was working on it",
        EventKind.HANDOFF_WITHDRAWN: "withdrew it",
        EventKind.HANDOFF_REMINDED: "says it is still waiting for a colleague",
        EventKind.SESSION_REASSIGNED: "reassigned it",
        EventKind.SESSION_RESOLVED: "resolved it",
        EventKind.SESSION_REOPENED: "reopened it",
    }
)

_SEVERITIES: Mapping[Priority, str] = MappingProxyType(
    {Priority.LOW: "info", Priority.NORMAL: "warning", Priority.HIGH: "error", Priority.URGENT: "critical"}
)
_ENDS = frozenset({EventKind.HANDOFF_WITHDRAWN, EventKind.SESSION_RESOLVED})
_TAKEN = frozenset({EventKind.HANDOFF_CLAIMED})


def rendered(told: WebhookFacts, format: WebhookFormat) -> Plain:
    """The body for one kind of receiver, as plain data."""
    return _FORMATS[format](told)


def about(handoff: Handoff | None, title: str, client: str | None) -> str:
    """What an event is about, in one line."""
    if handoff is not None:
        title, client = handoff.brief.title, handoff.brief.client_name
    return f"{client}: {title}" if client else title


def urgency(handoff: Handoff | None, session: Session, handoffs: Sequence[Handoff]) -> Priority:
    """How urgent that is: as its handoff says, of a session its latest escalation, and where there was none the session itself."""
    escalations = [one for one in handoffs if one.intent is Intent.ESCALATE]
    latest = handoff or (escalations[-1] if escalations else None)
    return latest.priority if latest else session.priority


def waits_in_maintenance(format: WebhookFormat, kind: EventKind | None) -> bool:
    """Whether a quiet maintenance window holds a message: to chats all of them, to pagers those that open an alert."""
    return format in CHATS or (format in PAGERS and kind not in _ENDS | _TAKEN)


def _standard(told: WebhookFacts) -> Plain:
    return {
        "type": told.kind or "webhook.test",
        "timestamp": instant(told.at),
        "data": {
            "event_id": _id(told.event_id),
            "session_id": _id(told.session_id),
            "handoff_id": _id(told.handoff_id),
            "by": "system" if told.by_id is None else {"id": told.by_id, "name": told.by_name},
            "at": instant(told.at),
            "title": told.title,
            "priority": told.priority,
            "link": told.link,
        },
    }


def _slack(told: WebhookFacts) -> Plain:
    said = f"*[{told.priority}] {_escaped(told.title)}*\n{_escaped(_sentence(told))}\n<{told.link}|Open it in FlowPilot>"
    # Verbatim: else names of people and channels, and addresses, come alive in whatever somebody wrote.
    section: Plain = {"type": "section", "text": {"type": "mrkdwn", "text": said, "verbatim": True}}
    return {"text": f"[{told.priority}] {_escaped(told.title)}", "blocks": [section]}


def _teams(told: WebhookFacts) -> Plain:
    card: Plain = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": _unmarked(f"[{told.priority}] {told.title}"), "weight": "bolder", "wrap": True},
            {"type": "TextBlock", "text": _unmarked(_sentence(told)), "wrap": True},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open it in FlowPilot", "url": told.link}],
    }
    return {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]}


def _pagerduty(told: WebhookFacts) -> Plain:
    # A test resolves what was never triggered: the key and the way there are tried, and no incident stays open that nothing would close.
    body: dict[str, Plain] = {"routing_key": told.routing_key, "event_action": _action(told), "dedup_key": _dedup(told)}
    if body["event_action"] == "trigger":
        body["payload"] = {
            "summary": _on_a_line(f"{told.title}: {_sentence(told)}")[:1024],
            "source": "FlowPilot",
            "severity": _SEVERITIES[told.priority],
            "timestamp": instant(told.at),
        }
        body["links"] = [{"href": told.link, "text": "Open it in FlowPilot"}]
    return body


def _goalert(told: WebhookFacts) -> Plain:
    body: dict[str, Plain] = {
        "summary": _on_a_line(f"[{told.priority}] {told.title}")[:1024],
        "details": f"{_sentence(told)}\n\n{told.link}",
        "dedup": _dedup(told),
    }
    if _is_over(told):
        body["action"] = "close"
    return body


_FORMATS: Mapping[WebhookFormat, Callable[[WebhookFacts], Plain]] = MappingProxyType(
    {
        WebhookFormat.STANDARD: _standard,
        WebhookFormat.SLACK: _slack,
        WebhookFormat.TEAMS: _teams,
        WebhookFormat.PAGERDUTY: _pagerduty,
        WebhookFormat.GOALERT: _goalert,
    }
)


def _action(told: WebhookFacts) -> str:
    # Not acknowledged when it is taken: PagerDuty would stay silent at the next trigger, and a claim that lapses must ring again.
    return "resolve" if _is_over(told) else "trigger"


def _is_over(told: WebhookFacts) -> bool:
    """Whether nobody is to be woken for it; for a test nobody is."""
    return told.kind is None or told.kind in _ENDS | _TAKEN


def _dedup(told: WebhookFacts) -> str:
    """What all messages about one case share, so that a pager opens one incident for it."""
    return f"flowpilot-{told.session_id or 'test'}"


def _sentence(told: WebhookFacts) -> str:
    return f"{told.by_name} {DEEDS[told.kind]}."


def _escaped(said: str) -> str:
    """As Slack's markup wants it, so that nothing in it can mention or link; one line."""
    return _on_a_line(said).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unmarked(said: str) -> str:
    """Without what a card takes for markdown; one line."""
    return "".join(f"\\{char}" if char in "\\`*_[]()#!<>" else char for char in _on_a_line(said))


def _on_a_line(said: str) -> str:
    """With nothing in it that does not show."""
    return " ".join(printable(said.replace("\n", " ")).split())


def _id(value: object) -> Plain:
    return None if value is None else str(value)
