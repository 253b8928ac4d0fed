"""What people are told: the words of each kind of message."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.domain.access.account import Account, User
from flowpilot_core.domain.access.branding import BARE, Worn
from flowpilot_core.domain.handoffs.debrief import Debrief
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.notifications.delivery import DeliveryKind
from flowpilot_core.ports.assistant import Clean
from flowpilot_core.ports.notifications import Item, Letter

LEADS: Mapping[DeliveryKind, str] = MappingProxyType(
    {
        DeliveryKind.ESCALATED: "{escalator} is stuck and needs a colleague.",
        DeliveryKind.REMINDER: "{escalator} is still waiting for a colleague.",
        DeliveryKind.LAPSE_WARNING: "You took this, but nothing has been added for a while. It will soon go back to the queue.",
        DeliveryKind.WAKE_UP: "You asked to be reminded of this.",
        DeliveryKind.DEBRIEF: "The problem you were stuck on is solved.",
    }
)
CLOSINGS: Mapping[DeliveryKind, str] = MappingProxyType(
    {
        DeliveryKind.ESCALATED: "You got this because you can take escalations at {account}.",
        DeliveryKind.REMINDER: "You got this because you can take escalations at {account}.",
        DeliveryKind.LAPSE_WARNING: "You got this because it is yours.",
        DeliveryKind.WAKE_UP: "You got this because you parked it.",
        DeliveryKind.DEBRIEF: "You got this because you escalated it.",
    }
)
ESSENTIAL = frozenset({DeliveryKind.LAPSE_WARNING, DeliveryKind.WAKE_UP})
"""Kinds that somebody asked for, or that are about what is theirs: there is no unsubscribing from these."""
CLAIMABLE = frozenset({DeliveryKind.ESCALATED, DeliveryKind.REMINDER})
"""Kinds that lead to the claim."""


@frozen(kw_only=True)
class MailItem:
    """One handoff, as somebody is told of it."""

    kind: DeliveryKind
    handoff: Handoff
    escalator: str
    link: str
    clean: Clean
    """Takes out of any text of its case what somebody may have pasted."""
    solved: "Solved | None" = None
    """Of a debrief, unless it was reopened since."""


@frozen(kw_only=True)
class Solved:
    """What solved it, and what whoever did it is called."""

    debrief: Debrief
    by: str


def subject(told: tuple[MailItem, ...]) -> str:
    """One line that tells how urgent it is, whose client it is and what it is about."""
    first, clean = told[0].handoff, told[0].clean
    if len(told) > 1:
        most = max((one.handoff.priority for one in told), key=lambda priority: priority.rank)
        return f"[{most}] {len(told)} messages in one: {clean(first.brief.title)} and others"
    client = f"{clean(first.brief.client_name)}: " if first.brief.client_name else ""
    return f"[{first.priority}] {client}{clean(first.brief.title)}"


def letter(told: tuple[MailItem, ...], recipient: User, account: Account, *, unsubscribe: str | None, worn: Worn = BARE) -> Letter:
    """What a colleague needs to decide whether to take it, without the secrets that somebody may have pasted."""
    first = told[0]
    lead = LEADS[first.kind].format(escalator=first.escalator)
    if len(told) > 1:
        lead = f"{len(told)} things came in within a minute, so here they are together."
    name = worn.branding.name(account.name)
    return Letter(
        account_name=name,
        greeting=f"Hello {recipient.name},",
        lead=lead,
        items=tuple(_item(one) for one in told),
        closing=CLOSINGS[first.kind].format(account=name),
        unsubscribe=unsubscribe,
        worn=worn,
    )


def _item(told: MailItem) -> Item:
    handoff, clean = told.handoff, told.clean
    brief = handoff.brief
    solution = dict(_solution(told.solved)) if told.solved else {}
    facts = {
        "Client": brief.client_name and clean(brief.client_name),
        "Ticket": brief.ticket and clean(brief.ticket.name),
        "Urgency": str(handoff.priority),
        "Asked by": told.escalator,
        "Reason": clean(handoff.reason),
        "Note": handoff.note and clean(handoff.note),
        "So far": clean(brief.so_far),
        **{label: clean(value) for label, value in solution.items()},
    }
    return Item(
        title=clean(brief.title),
        facts=tuple((label, value) for label, value in facts.items() if value),
        link=told.link,
        link_text="See everything that was tried, and claim it" if told.kind in CLAIMABLE else "See everything that was tried",
    )


def _solution(solved: Solved) -> Iterator[tuple[str, str]]:
    found = solved.debrief
    yield "Solved by", solved.by
    yield "Solution", found.summary
    if found.root_cause:
        yield "Cause", found.root_cause
    if found.fork_point:
        yield "Split at", found.fork_point.reason
        yield "Way taken", found.branch.label
    if found.step:
        yield "What worked", found.step.content
