"""A resolved session as a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, StepId
from flowpilot_core.domain.knowledge.anonymous import Names, anonymous
from flowpilot_core.domain.knowledge.content import NodeId, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.problems import problems
from flowpilot_core.domain.knowledge.saving import as_tree, with_texts
from flowpilot_core.domain.sessions.branch import BranchState, Option, Outcome
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.testing.builders import ANNA, NOON, a_session, new_id

TEXTS = st.text("ab{} é…", min_size=1, max_size=6).map(lambda text: f"{text}x")


@st.composite
def resolved(draw: st.DrawFn) -> tuple[Session, list[Step]]:
    """Any session that was resolved, with its steps."""
    session, steps = a_session(by=ANNA).session, list[Step]()
    for _ in range(draw(st.integers(0, 25))):
        open_branches = [branch.id for branch in session.branches.all if branch.state is BranchState.OPEN]
        if not open_branches:
            break
        branch_id = draw(st.sampled_from(open_branches))
        move = draw(st.sampled_from(["step", "step", "fork", "close"]))
        own = [step for step in steps if step.branch_id == branch_id]
        if move == "fork" and own:
            options = [(BranchId(new_id()), Option(label=draw(TEXTS), hypothesis="x")) for _ in range(draw(st.integers(2, 8)))]
            at_step = draw(st.sampled_from(own))
            session, _, _ = session.forked(ForkPointId(new_id()), at_step=at_step, reason=draw(TEXTS), options=options, by=ANNA, at=NOON)
        elif move == "close":
            session, _ = session.branch_closed(branch_id, draw(st.sampled_from(Outcome)), draw(TEXTS), by=ANNA, at=NOON)
        else:
            kind, result = draw(st.sampled_from(StepKind)), draw(st.none() | st.sampled_from(StepResult))
            session, step, _ = session.with_step(
                StepId(new_id()), kind=kind, content=draw(TEXTS), branch_id=branch_id, result=result, by=ANNA, at=NOON
            )
            steps.append(step)
    session, _ = session.resolved(draw(TEXTS), draw(st.none() | TEXTS), by=ANNA, at=NOON)
    return session, steps


@given(case=resolved(), data=st.data())
def test_any_session_makes_a_tree_without_a_problem(case: tuple[Session, list[Step]], data: st.DataObject) -> None:
    session, steps = case
    solved = data.draw(st.sampled_from(session.branches.all)).id

    content = with_texts(as_tree(session, steps, solved), lambda text: text)

    assert () == problems(content, TreeKind.TROUBLESHOOTING, {})


def test_forks_are_questions_steps_actions_and_ends_outcomes() -> None:
    session = a_session(by=ANNA).session
    session, first, _ = session.with_step(
        StepId(new_id()), kind=StepKind.ACTION, content="Pinged it", result=StepResult.FAILED, by=ANNA, at=NOON
    )
    cable, spooler = BranchId(new_id()), BranchId(new_id())
    options = [(cable, Option(label="Cable", hypothesis="x")), (spooler, Option(label="Spooler", hypothesis="y"))]
    session, _, _ = session.forked(ForkPointId(new_id()), at_step=first, reason="Two explanations", options=options, by=ANNA, at=NOON)
    session, _ = session.branch_closed(cable, Outcome.DEAD_END, "It is plugged in", by=ANNA, at=NOON)
    session, second, _ = session.with_step(
        StepId(new_id()), kind=StepKind.ACTION, content="Restarted it", branch_id=spooler, result=StepResult.WORKED, by=ANNA, at=NOON
    )
    session, _ = session.resolved("It prints again", "A stuck spooler", by=ANNA, at=NOON)

    content = as_tree(session, [first, second], spooler)

    by_text = {node.text: node for node in content.nodes}
    question = by_text["Two explanations"]
    assert [("Cable", by_text["It is plugged in"].id), ("Spooler", by_text["Restarted it"].id)] == [
        (answer.label, answer.next) for answer in question.answers
    ]
    assert (question.id, question.id) == (by_text["Pinged it"].next.failed, by_text["Pinged it"].next.otherwise)
    assert by_text["It prints again\n\nA stuck spooler"].id == by_text["Restarted it"].next.worked
    assert (TreeOutcome.DEAD_END, TreeOutcome.SOLVED) == (
        by_text["It is plugged in"].outcome,
        by_text["It prints again\n\nA stuck spooler"].outcome,
    )


@pytest.mark.parametrize("many", [80, 700])
def test_steps_are_joined_where_they_would_be_too_many(many: int) -> None:
    session, steps = a_session(by=ANNA).session, list[Step]()
    for number in range(many):
        session, step, _ = session.with_step(StepId(new_id()), kind=StepKind.ACTION, content=f"step {number}", by=ANNA, at=NOON)
        steps.append(step)
    session, _ = session.resolved("Done", None, by=ANNA, at=NOON)

    content = as_tree(session, steps, session.branches.all[0].id)

    assert () == problems(content, TreeKind.TROUBLESHOOTING, {})
    said = "\n\n".join(node.text for node in content.nodes if node.kind is NodeKind.ACTION)
    assert all(f"step {number}" in said for number in range(many))


def test_a_session_that_split_as_often_as_one_may_makes_a_tree_too() -> None:
    session, steps = a_session(by=ANNA).session, list[Step]()
    for number in range(99):
        session, step, _ = session.with_step(
            StepId(new_id()), kind=StepKind.ACTION, content=f"step {number}", branch_id=session.branches.all[0].id, by=ANNA, at=NOON
        )
        steps.append(step)
        options = [(BranchId(new_id()), Option(label=label, hypothesis="x")) for label in "ab"]
        session, _, _ = session.forked(ForkPointId(new_id()), at_step=step, reason="Why", options=options, by=ANNA, at=NOON)
    session, _ = session.resolved("Done", None, by=ANNA, at=NOON)

    content = as_tree(session, steps, session.branches.all[0].id)

    assert () == problems(content, TreeKind.TROUBLESHOOTING, {})
    assert content.by_id[NodeId(content.root or "")].kind is NodeKind.ACTION


NAMES = ("Lakeside Dental", "48211", "Petra Müller")


@pytest.mark.parametrize(
    "told",
    [
        "LAKESIDE DENTAL",
        "48211",
        "petra müller",
        "10.20.30.40",
        "10.0.0.0/24",
        "fe80::1:2",
        "2001:db8::7334:1",
        "00:1a:2b:3c:4d:5e",
        "dc01.lakeside.local",
        "https://portal.lakeside.example/x?y=1",
        "\\\\fs01\\share\\scans",
        "petra@lakeside.example",
        "SRV-DC01",
        "DESKTOP-7F3KQ2",
        "PRN02",
    ],
)
def test_nothing_that_names_the_client_or_a_machine_of_theirs_stays(told: str) -> None:
    assert told.casefold() not in anonymous(f"Called about {told}, and again: ({told}).", Names.of(NAMES)).casefold()


def test_what_names_nobody_stays() -> None:
    for text in ("Restarted the spooler at 12:30", "Windows 11 and KB5001330 on port 443", "Error 0x80070005", "Set MTU to 1400"):
        assert text == anonymous(text, Names.of(NAMES))


@pytest.mark.parametrize("said", ["mac=00:1a:2b:3c:4d:5e: seen", "on 00-1A-2B-3C-4D-5E-", "ip:fe80::1:2, up"])
def test_an_address_with_a_sign_of_its_own_around_it_is_taken_out(said: str) -> None:
    assert "[address]" in anonymous(said, Names.of(NAMES))


@given(before=st.text(), after=st.text(), name=st.sampled_from(NAMES))
def test_a_name_stays_nowhere_whatever_stands_around_it(before: str, after: str, name: str) -> None:
    assert name.casefold() not in anonymous(f"{before}{name}{after}", Names.of(NAMES)).casefold()


PEOPLE = ("Dr. Petra Müller", "Will An", "Anna-Lena O'Brien")


@pytest.mark.parametrize(
    "told", ["Petra", "petra", "MÜLLER", "Petras PC", "petra's", "petra_m", "petra2", "Anna", "Lena", "O'Brien", "Asked Will", "An said"]
)
def test_a_part_of_a_persons_name_does_not_stay_by_itself(told: str) -> None:
    parts = ("petra", "müller", "anna", "lena", "brien", "Will", "An ")

    said = anonymous(f"Asked {told}, who was (as {told}) there", Names.of((), PEOPLE))

    assert "[person]" in said
    assert not [part for part in parts if part in said or (part.islower() and part in said.casefold())]


def test_a_word_that_is_no_name_stays_though_a_name_is_in_it() -> None:
    for text in ("It will not print", "an error", "Petrarca is a font", "the planet", "drive D: is full", "Called [client] twice"):
        assert text == anonymous(text, Names.of(("Lakeside Dental",), PEOPLE))


def test_the_client_is_the_client_though_it_is_called_after_a_person() -> None:
    assert "[client] called, it was [person]" == anonymous(
        "Petra Müller GmbH called, it was Petra", Names.of(("Petra Müller GmbH",), PEOPLE)
    )
