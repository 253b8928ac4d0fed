"""Pages drawn from the tables of the domain: permissions, state machines, events."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from attrs import fields

from flowpilot_adapters.sql.policies import APP_MAY
from flowpilot_core.domain.access.account import USER, UserState
from flowpilot_core.domain.assistant.assessment import ASSESSMENT, Assessment
from flowpilot_core.domain.assistant.suggestion import SUGGESTION, Suggestion
from flowpilot_core.domain.handoffs.handoff import ESCALATION, PARK, Handoff
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.permissions import PERMISSIONS, Rule
from flowpilot_core.domain.kernel.sending import DELIVERY
from flowpilot_core.domain.knowledge.template import TEMPLATE
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.pushed import told_as
from flowpilot_core.domain.outputs.output import OUTPUT, Output
from flowpilot_core.domain.psa.connection import CIRCUIT, Health
from flowpilot_core.domain.psa.post import POST, PsaPost
from flowpilot_core.domain.sessions.branch import BRANCH, Branch
from flowpilot_core.domain.sessions.session import SESSION, Session

from .markdown import code, page, table

S = TypeVar("S", bound=StrEnum)
M = TypeVar("M", bound=StrEnum)

HAPPENED: Mapping[EventKind, str] = {
    EventKind.SESSION_STARTED: "A session was started.",
    EventKind.TICKET_READ: "What the session's ticket says in the PSA stands with it.",
    EventKind.SESSION_PARKED: "A session was parked; private to who may read the park.",
    EventKind.SESSION_RESUMED: "A parked session went on; private to who may read the park.",
    EventKind.SESSION_REASSIGNED: "A session has another assignee; private where it was parked.",
    EventKind.SESSION_JOINED: "Somebody helps with a session that stays its assignee's.",
    EventKind.SESSION_LEFT: "A helper left a session.",
    EventKind.SESSION_RESOLVED: "A session was resolved, with a summary.",
    EventKind.SESSION_ABANDONED: "A session was given up, with a reason.",
    EventKind.SESSION_REOPENED: "A resolved or abandoned session is active again, with who reopened it.",
    EventKind.STEP_ADDED: "A step was added to a branch.",
    EventKind.STEP_CHANGED: "A step has another result, or belongs to another branch.",
    EventKind.PICTURE_ADDED: "A picture was added to a step.",
    EventKind.STEP_RATED: "Somebody said whether a step is any good.",
    EventKind.BRANCH_FORKED: "A branch was split into several at a step.",
    EventKind.BRANCH_ACTIVATED: "Work goes on in another branch.",
    EventKind.BRANCH_CLOSED: "A branch was closed as solved, dead end or abandoned.",
    EventKind.WALK_STARTED: "A session follows a tree from now on, in one of its revisions.",
    EventKind.WALK_LEFT: "Work in a branch goes on without the tree, with the node where it was left.",
    EventKind.HANDOFF_ESCALATED: "A session was escalated and waits in the queue.",
    EventKind.HANDOFF_ASSESSED: "An assessment of an escalation is there to be read, or will not be.",
    EventKind.HANDOFF_CLAIMED: "An escalation was claimed.",
    EventKind.HANDOFF_UNCLAIMED: "A claim was given back by its claimer.",
    EventKind.HANDOFF_LAPSED: "A quiet claim was given back by time.",
    EventKind.HANDOFF_REROUTED: "An open escalation is meant for another team or person, or has another priority.",
    EventKind.HANDOFF_WITHDRAWN: "An open escalation was taken out of the queue.",
    EventKind.HANDOFF_REMINDED: "A step of the escalation policy told people again that an escalation waits.",
    EventKind.HANDOFF_SEEN: "Somebody looked at an escalation for the first time.",
    EventKind.HANDOFF_JUDGED: "Who claimed an escalation gave a verdict on it.",
    EventKind.OUTPUT_MADE: "A resolution output was made of a resolved session.",
    EventKind.OUTPUT_EDITED: "A resolution output has another version.",
    EventKind.OUTPUT_APPROVED: "A resolution output was approved as it reads.",
    EventKind.OUTPUT_POSTED: "An approved resolution output was given to be posted to the ticket.",
    EventKind.PSA_POST_CHANGED: "A note on a ticket, or another thing to be done there, is dead or was asked for again.",
    EventKind.DELIVERY_CHANGED: "A delivery is dead, or was asked for again.",
}


def permissions() -> str:
    """Who may do what, in the core and in the database."""
    roles = list(Role)
    return page(
        "Who may do what",
        "One table in the core, asked by every use case. A cell names what a person of that role must be to the thing; *yes* is anybody of"
        " the role, and an empty cell is nobody. The role `owner` is always said *account owner*. The system acts for time, webhooks and"
        " policies.",
        table(
            ["move", *(code(role) for role in roles), "system"],
            [
                [permission, *(_cell(rule, role) for role in roles), "yes" if rule.system else ""]
                for permission, rule in PERMISSIONS.items()
            ],
        ),
        "Everybody who is active reads what is not parked by others. Nobody claims what they escalated themselves. A person who was"
        " deactivated may do nothing.",
        "## In the database",
        "What the application's role may do to each table, always within one account: what is frozen it cannot change, what is logged it"
        " cannot take back.",
        table(["table", "privileges"], [[code(name), may] for name, may in APP_MAY.items()]),
    )


def _cell(rule: Rule, role: Role) -> str:
    if role not in rule.roles:
        return ""
    return "yes" if rule.relation is None or role in rule.always else rule.relation


def state_machines() -> str:
    """Every machine, drawn from its table."""
    return page(
        "State machines",
        "Each machine is one table of the core, `{(state, move): state}`. A move that is not in it is refused with `invalid_transition`.",
        _machine("Session", SESSION, fields(Session).status.default),
        _machine("Escalation", ESCALATION, fields(Handoff).state.default),
        _machine("Park", PARK, fields(Handoff).state.default),
        _machine("Branch", BRANCH, fields(Branch).state.default),
        _machine("Tree", TEMPLATE, fields(Tree).state.default),
        _machine("Delivery", DELIVERY, fields(Delivery).state.default),
        _machine("Suggestion", SUGGESTION, fields(Suggestion).state.default),
        _machine("Output", OUTPUT, fields(Output).state.default),
        _machine("Post", POST, fields(PsaPost).state.default),
        _machine("Circuit of a connection", CIRCUIT, fields(Health).circuit.default),
        _machine("User", USER, UserState.INVITED),
        _machine("Assessment", ASSESSMENT, fields(Assessment).state.default),
    )


def _machine(title: str, moves: Mapping[tuple[S, M], S], first: S | None) -> str:
    arrows: dict[tuple[S, S], list[str]] = {}
    for (state, move), to in moves.items():
        arrows.setdefault((state, to), []).append(move)
    left = {state for state, _ in moves}
    ends = dict.fromkeys(to for to in moves.values() if to not in left)
    lines = [
        "stateDiagram-v2",
        f"    [*] --> {first}",
        *(f"    {state} --> {to}: {', '.join(names)}" for (state, to), names in arrows.items()),
        *(f"    {state} --> [*]" for state in ends),
    ]
    return f"## {title}\n\n```mermaid\n" + "\n".join(lines) + "\n```"


def events() -> str:
    """What the log can say."""
    return page(
        "Events",
        "What happens is written to one log per account, in the transaction of the change: a number, the kind, when, by whom or for which"
        " cause, in which session and handoff, with which request, and what changed. Numbers of an account have no gaps and are committed"
        " in their order. The timeline and the changes of a handoff are read from it.",
        table(
            ["kind", "what happened", "what open streams call it"],
            [[code(kind), HAPPENED[kind], code(told) if (told := told_as(kind)) else ""] for kind in EventKind],
        ),
    )
