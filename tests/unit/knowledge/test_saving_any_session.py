"""Any session as a tree: valid, and without what is secret and what names the client, their people or their machines."""

import asyncio
from collections.abc import Sequence

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_core.application.assistant.redaction import redact_by_rules
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.knowledge.saving import written_down
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, StepId
from flowpilot_core.domain.knowledge import walking
from flowpilot_core.domain.knowledge.content import Answer, Content, Next, Node, NodeId, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.problems import problems
from flowpilot_core.domain.sessions.branch import BranchState, Option, Outcome
from flowpilot_core.domain.sessions.session import Session, Ticket
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_core.testing.builders import ANNA, NOON, a_session, new_id
from flowpilot_core.testing.contracts.knowledge.trees import a_tree

CLIENT, CONTACT, TICKET = "Lakeside Dental", "Petra Müller", "48211"
SECRETS = (
    "Tr0ub4dor&3xQ",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk",
)
LABELLED = tuple(f"password: {secret}" for secret in SECRETS)
"""As somebody writes one down; the value alone may then stand anywhere else."""
PEOPLE = (CLIENT, CLIENT.upper(), CONTACT, "Petra", "Müller", "Benno", "petra.mueller@lakeside.example", "p.m+scan@dental.lakeside.test")
PLACES = ("10.20.30.40", "192.168.7.0/24", "fe80::1:2", "00:1a:2b:3c:4d:5e", "https://portal.lakeside.example/x?y=1", "\\\\fs01\\scans")
MACHINES = ("SRV-DC01", "dc01.lakeside.local", "DESKTOP-7F3KQ2", "PRN02")
TELLING = (*SECRETS, *PEOPLE, *PLACES, *MACHINES, TICKET)
PLAIN = ("restarted the spooler", "Event 7031", "{{ name }}", "}}", "It did not help", "…", "漢字", "Code 0x80070005", "1.", "<b>")
AROUND = st.sampled_from((" ", ", ", "\n", " (", ") ", ": ", ' "', '" ', "; ", "=", ":", "|", ". ", "<", ">", " - "))


@st.composite
def texts(draw: st.DrawFn, most: int = 4) -> str:
    """What somebody writes, with what names whom and what it was about in the middle of it."""
    said = draw(st.lists(st.sampled_from((*TELLING, *LABELLED, *PLAIN)), min_size=1, max_size=most))
    return "".join(part for one in said for part in (one, draw(AROUND))).strip()


TREE = Content(
    root=NodeId("which"),
    nodes=(
        Node(
            id=NodeId("which"),
            kind=NodeKind.QUESTION,
            text=f"Which of these is so at {CLIENT}?",
            answers=tuple(Answer(label=f"{told} is off", next=NodeId("look")) for told in (*MACHINES, *SECRETS[:1])),
        ),
        Node(
            id=NodeId("look"), kind=NodeKind.ACTION, text=f"Look at {PLACES[0]}", next=Next(worked=NodeId("end"), otherwise=NodeId("dead"))
        ),
        Node(id=NodeId("end"), kind=NodeKind.OUTCOME, text="It is on", outcome=TreeOutcome.SOLVED),
        Node(id=NodeId("dead"), kind=NodeKind.OUTCOME, text="It stays off", outcome=TreeOutcome.DEAD_END),
    ),
)
"""A tree of the client's own, so to speak: a walk through it says in the session whatever it says."""


@st.composite
def whole(draw: st.DrawFn) -> SessionDetail:
    """A resolved session of any course: by hand and by a tree, split by somebody and by several answers, with notes and dead ends."""
    start = a_session(
        by=ANNA, title=draw(texts()), problem=draw(texts()), client_name=CLIENT, ticket=Ticket(system="connectwise", id=TICKET)
    )
    session = evolve(start.session, ticket_facts={"contact_name": CONTACT, "client_name": CLIENT})
    steps = list[Step]()
    session = _stepped(session, steps, draw, content=f"{draw(texts())}\n{'; '.join(LABELLED)}", kind=StepKind.NOTE)
    if draw(st.booleans()):
        tree = evolve(a_tree(ANNA, TREE), revision=1)
        walk = walking.begun(tree, 1, TREE, {}, session.branches.active_id, lambda _, __: True)
        session, _ = session.walking(walk, by=ANNA, at=NOON)
    for move in draw(st.lists(st.sampled_from(("step", "step", "walk", "walk", "fork", "close", "leave")), max_size=14)):
        if not [one for one in session.branches.all if one.state is BranchState.OPEN]:
            break
        session = MOVES[move](session, steps, draw)
    session, _ = session.resolved(draw(texts()), draw(st.none() | texts()), by=ANNA, at=NOON)
    return SessionDetail(session=session, steps=tuple(steps), handoffs=(), names={ANNA.user_id: "Benno Quast"})


def _open(session: Session, draw: st.DrawFn) -> BranchId:
    return draw(st.sampled_from([one.id for one in session.branches.all if one.state is BranchState.OPEN]))


def _stepped(session: Session, steps: list[Step], draw: st.DrawFn, *, content: str = "", kind: StepKind | None = None) -> Session:
    session, step, _ = session.with_step(
        StepId(new_id()),
        kind=kind or draw(st.sampled_from(StepKind)),
        content=content or draw(texts()),
        branch_id=_open(session, draw),
        result=draw(st.none() | st.sampled_from(StepResult)),
        evidence=draw(st.none() | texts()),
        by=ANNA,
        at=NOON,
    )
    steps.append(step)
    return session


def _walked(session: Session, steps: list[Step], draw: st.DrawFn) -> Session:
    place = walking.current(session)
    if place is None or place.waiting is None:
        return session
    labels = place.waiting.answers
    answers = draw(st.lists(st.sampled_from(labels), min_size=1, max_size=3, unique=True)) if labels else ()
    took = walking.taken(
        session,
        TREE,
        place.waiting.node_id,
        answers=answers,
        result=None if labels else draw(st.sampled_from(StepResult)),
        evidence=draw(st.none() | texts()),
        new_id=new_id,
        by=ANNA,
        at=NOON,
    )
    steps.append(took.step)
    return took.session


def _forked(session: Session, steps: list[Step], draw: st.DrawFn) -> Session:
    branch_id = _open(session, draw)
    own = [step for step in steps if step.branch_id == branch_id]
    if not own:
        return session
    options = [(BranchId(new_id()), Option(label=draw(texts(2))[:200], hypothesis="x")) for _ in range(draw(st.integers(2, 4)))]
    at_step, reason = draw(st.sampled_from(own)), draw(texts())
    session, _, _ = session.forked(ForkPointId(new_id()), at_step=at_step, reason=reason, options=options, by=ANNA, at=NOON)
    return session


def _closed(session: Session, _: Sequence[Step], draw: st.DrawFn) -> Session:
    return session.branch_closed(_open(session, draw), draw(st.sampled_from(Outcome)), draw(texts()), by=ANNA, at=NOON)[0]


def _left(session: Session, _: Sequence[Step], draw: st.DrawFn) -> Session:
    place = walking.current(session)
    if place is None or place.waiting is None:
        return session
    return session.walk_left(place.branch_id, draw(texts()), by=ANNA, at=NOON)[0]


MOVES = {"step": _stepped, "walk": _walked, "fork": _forked, "close": _closed, "leave": _left}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(detail=whole())
def test_any_session_makes_a_valid_tree_that_tells_nothing_of_whom_or_what_it_was_about(detail: SessionDetail) -> None:
    written = asyncio.run(written_down(ANNA.account_id, detail, redact=redact_by_rules, compute=compute_here))

    assert () == problems(written.content, TreeKind.TROUBLESHOOTING, {})
    said = "\n".join(text for node in written.content.nodes for text in (node.text, *(one.label for one in node.answers))).casefold()
    assert [] == [told for told in TELLING if told.casefold() in said], said
