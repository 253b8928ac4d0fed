"""The frozen snapshot: canonical, addressed by its digest, complete, bounded, and silent about parks."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from attrs import evolve
from hypothesis import given

from flowpilot_core.domain.handoffs.handing_off import hand_off
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.handoffs.snapshot import SIZE_BOUND, freeze
from flowpilot_core.domain.kernel.canonical_json import canonical
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId, StepId
from flowpilot_core.domain.kernel.text import EVIDENCE
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.session import Priority, Ticket
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ANNA, BEN, NOON, Case, a_session, new_id
from flowpilot_core.testing.strategies import cases, plain


def read(case: Case) -> dict[str, Any]:
    """The latest snapshot of a case, as a client reads it."""
    content = json.loads(case.snapshot.body)
    assert isinstance(content, dict)
    return content


@given(plain())
def test_plain_data_is_written_as_rfc_8785_says(value: Plain) -> None:
    assert rfc8785.dumps(value) == canonical(value)


@given(cases())
def test_any_snapshot_is_canonical_and_has_the_digest_it_says(case: Case) -> None:
    escalated = case.escalated()

    assert rfc8785.dumps(json.loads(escalated.snapshot.body)) == escalated.snapshot.body
    assert hashlib.sha256(escalated.snapshot.body).hexdigest() == escalated.snapshot.digest == escalated.handoff.snapshot_digest


@given(cases())
def test_each_step_stands_in_it_once_and_branches_list_ids(case: Case) -> None:
    frozen = read(case.escalated())

    assert [str(step.id) for step in case.steps] == [step["id"] for step in frozen["steps"]]
    assert sorted(str(step.id) for step in case.steps) == sorted(step for branch in frozen["branches"] for step in branch["step_ids"])
    assert [str(branch.id) for branch in case.session.branches.all] == [branch["id"] for branch in frozen["branches"]]


@given(cases())
def test_parks_leave_no_trace_in_an_escalations_snapshot(case: Case) -> None:
    escalated = case.parked("a private reason 4711").resumed().escalated()

    assert b"private reason 4711" not in escalated.snapshot.body
    for handoff in escalated.handoffs[:-1]:
        assert (str(handoff.id).encode() in escalated.snapshot.body) is (handoff.intent == "escalate")


def test_it_holds_everything_a_colleague_needs() -> None:
    case = (
        a_session(by=ANNA, title="Printer offline", ticket=Ticket(system="halopsa", id="7"), priority=Priority.HIGH)
        .step("asked them", kind=StepKind.QUESTION, result=None)
        .step("rebooted", evidence="it blinked")
        .fork("cable", "switch")
        .step("swapped it", result=StepResult.WORKED)
        .closed("switch", Outcome.DEAD_END, "two switches")
        .escalated("no idea", note="be nice to them", priority=Priority.URGENT)
    )
    anna = {"id": str(ANNA.user_id), "name": ANNA.name}

    frozen = read(case)

    expected = {
        "schema_version": 1,
        "handoff_id": str(case.handoff.id),
        "session_id": str(case.id),
        "frozen_at": "2026-03-02T12:06:00Z",
        "title": "Printer offline",
        "problem": case.session.problem,
        "client_name": "Contoso",
        "ticket": {"system": "halopsa", "id": "7"},
        "priority": "urgent",
        "reason": "no idea",
        "note": "be nice to them",
        "escalated_by": anna,
        "tried": [str(case.steps[1].id), str(case.steps[2].id)],
        "failed": [str(case.steps[1].id)],
        "open_hypotheses": [str(case.branch("cable"))],
        "earlier_escalations": [],
    }
    assert expected == {key: value for key, value in frozen.items() if key not in {"branches", "steps", "fork_points"}}
    assert ("it blinked", "failed", anna) == tuple(frozen["steps"][1][key] for key in ("evidence", "result", "created_by"))
    assert ["open", "open", "dead_end"] == [branch["state"] for branch in frozen["branches"]]
    assert ["two ways to look at it"] == [fork_point["reason"] for fork_point in frozen["fork_points"]]


def test_who_hands_it_off_is_named_even_where_nobody_said_who_that_is() -> None:
    handed = hand_off(
        a_session(by=ANNA).session,
        handoff_id=HandoffId(new_id()),
        intent=Intent.ESCALATE,
        reason="stuck",
        steps=(),
        earlier=(),
        names={},
        by=ANNA,
        at=NOON,
    )

    assert {"id": str(ANNA.user_id), "name": ANNA.name} == json.loads(handed.snapshot.body)["escalated_by"]


def test_it_names_no_account() -> None:
    assert str(ANNA.account_id).encode() not in a_session(by=ANNA).step().escalated().snapshot.body


def test_it_tells_of_earlier_escalations() -> None:
    case = a_session(by=ANNA).escalated("first").claimed_by(BEN).escalated("second")

    (earlier,) = read(case)["earlier_escalations"]

    assert ("first", "claimed", ANNA.name, BEN.name) == (
        earlier["reason"],
        earlier["state"],
        earlier["escalated_by"]["name"],
        earlier["claimed_by"]["name"],
    )


@pytest.mark.parametrize("character", ["x", "ü", "漢", "\U0001f5a8"])
def test_over_the_bound_evidence_is_cut_and_never_a_step(character: str) -> None:
    case = a_session()
    evidence = character * (EVIDENCE // len(character.encode()))
    for number in range(5):
        case = case.step(f"step {number}", evidence=evidence)
    frozen = read(case.escalated())

    assert len(case.escalated().snapshot.body) <= SIZE_BOUND
    assert [f"step {number}" for number in range(5)] == [step["content"] for step in frozen["steps"]]
    for step in frozen["steps"]:
        cut = step["evidence"]
        whole = evidence.encode()
        assert (True, len(whole), hashlib.sha256(whole).hexdigest()) == (cut["cut"], cut["bytes"], cut["sha256"])
        assert evidence.startswith(cut["text"])


def test_under_the_bound_nothing_is_cut() -> None:
    evidence = "x" * (EVIDENCE // 2)

    frozen = read(a_session().step(evidence=evidence).step(evidence=evidence).escalated())

    assert [evidence] * 2 == [step["evidence"] for step in frozen["steps"]]


def test_short_evidence_stays_whole_beside_long_evidence_that_is_cut() -> None:
    case = a_session().step(evidence="short")
    for _ in range(8):
        case = case.step(evidence="x" * EVIDENCE)

    first, second, *_ = read(case.escalated())["steps"]

    assert "short" == first["evidence"]
    assert second["evidence"]["cut"]


def test_five_thousand_steps_are_all_there_though_they_alone_are_over_the_bound() -> None:
    case = a_session().step("x" * 200)
    steps = [evolve(case.steps[0], id=StepId(new_id()), number=number) for number in range(1, 5001)]

    snapshot = freeze(
        case.session,
        handoff_id=HandoffId(new_id()),
        steps=steps[::-1],
        earlier=(),
        names=case.names,
        reason="stuck",
        note=None,
        priority=Priority.NORMAL,
        by=ANNA.user_id,
        at=NOON,
    )

    assert len(snapshot.body) > SIZE_BOUND
    assert [str(step.id) for step in steps] == [step["id"] for step in json.loads(snapshot.body)["steps"]]


def test_the_queue_shows_what_was_tried_and_what_to_look_at_first() -> None:
    case = a_session().step().step(result=StepResult.WORKED).fork("cable", "switch").escalated()

    assert "1 of 2 tries failed; open: cable and 1 more" == case.handoff.brief.headline
    assert "nothing tried yet" == a_session().escalated().handoff.brief.headline


def test_the_older_readers_copy_says_the_same_in_short() -> None:
    case = a_session(by=ANNA).step("rebooted").escalated("no idea", note="please", at=NOON)
    package = case.session.escalation_package

    assert package is not None
    assert {
        "handoff_id": str(case.handoff.id),
        "reason": "no idea",
        "note": "please",
        "summary": case.snapshot.summary,
        "steps_tried": [{"id": str(case.steps[0].id), "kind": "action", "content": "rebooted", "result": "failed"}],
        "assessment": None,
        "escalated_at": "2026-03-02T12:01:00Z",
        "escalated_by": {"id": str(ANNA.user_id), "name": ANNA.name},
    } == dict(package)


def test_a_park_leaves_the_older_readers_copy_alone() -> None:
    case = a_session(by=ANNA).escalated().withdrawn()

    assert case.session.escalation_package == case.parked().session.escalation_package
