"""Who may make which move: the one table of the core, against the contract's, person by person."""

from collections.abc import Callable

import pytest
from attrs import evolve

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import Actor, Person, Role, Scope, System
from flowpilot_core.domain.kernel.errors import NotAssignee, NotFound, RoleForbidden, ScopeForbidden
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.permissions import PERMISSIONS, Permission, permits, require, require_role
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, NOON, OLGA, STAFF, VERA, a_session, an_escalation, new_id

SYSTEM = System(account_id=STAFF.account_id, cause="a test")
EVERYBODY: dict[str, Actor] = {"Olga": OLGA, "Adam": ADAM, "Anna": ANNA, "Ben": BEN, "Vera": VERA, "system": SYSTEM}

ALLOWED = {
    Permission.START: "Olga Adam Anna Ben",
    Permission.READ_PARKED: "Olga Adam Anna",
    Permission.WORK: "Anna",
    Permission.ADD_STEP: "Anna",
    Permission.SET_RESULT: "Anna",
    Permission.ADD_PICTURE: "Anna",
    Permission.JOIN: "Olga Adam Anna Ben",
    Permission.LEAVE: "Anna",
    Permission.RATE_STEP: "Olga Adam Anna Ben",
    Permission.HAND_OFF: "Anna",
    Permission.RESUME: "Anna system",
    Permission.RESOLVE: "Anna system",
    Permission.ABANDON: "Anna",
    Permission.REOPEN: "Olga Adam Anna Ben",
    Permission.REASSIGN: "Anna Olga Adam",
    Permission.CLAIM: "Olga Adam Anna Ben",
    Permission.UNCLAIM: "Anna",
    Permission.LAPSE: "system",
    Permission.REROUTE: "Olga Adam Anna Ben",
    Permission.WITHDRAW: "Anna Olga Adam system",
    Permission.RETRY_DELIVERY: "Olga Adam system",
    Permission.CONNECT_PSA: "Olga Adam",
    Permission.READ_POSTS: "Olga Adam",
    Permission.RETRY_POST: "Olga Adam",
    Permission.MANAGE_PEOPLE: "Olga Adam",
    Permission.MANAGE_OWNERS: "Olga",
    Permission.DEACTIVATE: "Olga Adam Anna",
    Permission.READ_PROVIDERS: "Olga Adam system",
    Permission.MANAGE_PROVIDERS: "Olga system",
    Permission.SEE: "Olga Adam Anna Ben Vera",
    Permission.JUDGE: "Anna",
    Permission.PREVIEW: "Olga Adam Anna Ben",
    Permission.PREFER: "Olga Adam Anna Ben Vera",
    Permission.SET_POLICY: "Olga Adam",
    Permission.SET_ACCOUNT: "Olga Adam",
    Permission.READ_AUDIT_LOG: "Olga Adam system",
    Permission.REMIND: "system",
    Permission.ASSESS: "Olga Adam Anna Ben",
    Permission.DOCUMENT: "Olga Adam Anna Ben",
    Permission.FEEDBACK: "Olga Adam Anna Ben",
    Permission.MANAGE_WEBHOOKS: "Olga Adam",
    Permission.READ_PERSONAL_FIGURES: "Olga Adam",
    Permission.HAVE_WEEKLY_DIGEST: "Olga Adam",
    Permission.KEEP_TOKENS: "Olga Adam Anna",
    Permission.READ_TREE_DRAFTS: "Olga Adam Anna system",
    Permission.WRITE_TREES: "Olga Adam Anna Ben system",
    Permission.PUBLISH_TREES: "Olga Adam system",
    Permission.RATE_TREES: "Olga Adam Anna Ben",
    Permission.MANAGE_CATEGORIES: "Olga Adam system",
    Permission.READ_PROPOSALS: "Olga Adam",
    Permission.DECIDE_PROPOSALS: "Olga Adam",
    Permission.MANAGE_GALLERY: "Olga Adam system",
    Permission.MANAGE_MAINTENANCE: "Olga Adam",
}
"""Who may, where Anna is whatever the rule asks for: the assignee, a helper, the escalator, the claimer, the author."""


def test_every_permission_has_a_rule_and_a_test() -> None:
    assert set(Permission) == set(PERMISSIONS) == set(ALLOWED)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("name", EVERYBODY)
def test_who_may(permission: Permission, name: str) -> None:
    assert (name in ALLOWED[permission].split()) is permits(EVERYBODY[name], permission, [ANNA.user_id])


@pytest.mark.parametrize("permission", Permission)
def test_a_viewer_may_do_nothing_even_as_the_assignee(permission: Permission) -> None:
    changes_nothing = {Permission.READ_PARKED, Permission.SEE, Permission.PREFER, Permission.DEACTIVATE, Permission.KEEP_TOKENS}

    assert (permission in changes_nothing) is permits(VERA, permission, [VERA.user_id])


@pytest.mark.parametrize("permission", Permission)
def test_a_token_of_a_scope_may_no_more_than_its_person_and_than_its_scope(permission: Permission) -> None:
    reads = {
        Permission.READ_PARKED,
        Permission.READ_POSTS,
        Permission.READ_PROVIDERS,
        Permission.PREVIEW,
        Permission.READ_TREE_DRAFTS,
        Permission.READ_PROPOSALS,
        Permission.READ_PERSONAL_FIGURES,
    }
    manages = {one for one, may in ALLOWED.items() if set(may.split()) <= {"Olga", "Adam", "system"} and may != "system"}
    for_all = manages | {Permission.DEACTIVATE, Permission.PREFER, Permission.KEEP_TOKENS}

    for scope, is_in in ((Scope.READ, permission in reads), (Scope.WORK, permission in reads or permission not in for_all)):
        for name, somebody in EVERYBODY.items():
            if isinstance(somebody, Person):
                narrowed = evolve(somebody, scope=scope)
                assert (is_in and name in ALLOWED[permission].split()) is permits(narrowed, permission, [ANNA.user_id])
                if name in ALLOWED[permission].split() and not is_in:
                    with pytest.raises(ScopeForbidden):
                        require_role(narrowed, permission)


def test_a_role_that_may_never_is_told_so_and_not_that_it_is_somebody_elses() -> None:
    with pytest.raises(RoleForbidden) as refused:
        require(VERA, Permission.WORK, a_session().id, ANNA.user_id)

    assert (Role.VIEWER, Permission.WORK) == (refused.value.role, refused.value.permission)


def test_a_colleague_is_told_that_the_session_is_somebody_elses() -> None:
    session = a_session(by=ANNA).session

    with pytest.raises(NotAssignee) as refused:
        require(BEN, Permission.WORK, session.id, session.assignee_id)

    assert session.id == refused.value.session_id


def test_an_account_owner_may_not_work_on_what_is_somebody_elses() -> None:
    for boss in (OLGA, ADAM):
        with pytest.raises(NotAssignee):
            a_session(by=ANNA).session.resolved("done", None, by=boss, at=NOON)


Move = Callable[[Person], object]


def moves() -> dict[str, Move]:
    """Moves of the domain that the assignee, escalator or claimer Anna could make, for others to try."""
    active, parked, waiting = a_session(by=ANNA).step().fork(), a_session(by=ANNA).parked(), an_escalation(by=ANNA)
    taken = an_escalation(by=BEN).claimed_by(ANNA)
    root = active.session.branches.all[0].id
    return {
        "activate a branch": lambda by: active.session.activated(root, by=by, at=NOON),
        "resume": lambda by: parked.session.resumed(by=by, at=NOON),
        "resolve": lambda by: active.session.resolved("done", None, by=by, at=NOON),
        "abandon": lambda by: active.session.abandoned("gone", by=by, at=NOON),
        "reassign": lambda by: active.session.reassigned(BEN.user_id, by=by, at=NOON),
        "withdraw": lambda by: waiting.handoff.withdrawn(waiting.session, by=by, at=NOON),
        "unclaim": lambda by: taken.handoff.unclaimed(taken.session, by=by, at=NOON),
    }


@pytest.mark.parametrize("move", ["activate a branch", "resume", "resolve", "abandon", "unclaim"])
def test_these_moves_belong_to_one_person(move: str) -> None:
    moves()[move](ANNA)
    for colleague in (OLGA, ADAM, BEN):
        with pytest.raises(NotAssignee):
            moves()[move](colleague)
    with pytest.raises(RoleForbidden):
        moves()[move](VERA)


@pytest.mark.parametrize("move", ["reassign", "withdraw"])
def test_these_moves_are_account_owners_and_admins_too(move: str) -> None:
    for person in (ANNA, OLGA, ADAM):
        moves()[move](person)
    with pytest.raises(NotAssignee):
        moves()[move](BEN)
    with pytest.raises(RoleForbidden):
        moves()[move](VERA)


def test_only_time_lets_a_claim_lapse() -> None:
    taken = an_escalation(by=ANNA).claimed_by(BEN)

    for person in STAFF.people:
        with pytest.raises(RoleForbidden):
            taken.handoff.lapsed(taken.session, by=person, at=NOON)
    assert ANNA.user_id == taken.lapsed(SYSTEM).session.assignee_id


def readers(handoff: Handoff) -> set[str]:
    return {name for name, actor in EVERYBODY.items() if handoff.readable_by(actor)}


def test_a_park_is_read_by_its_assignees_while_parked_and_by_account_owners_and_admins() -> None:
    parked = a_session(by=ANNA).parked()

    assert {"Olga", "Adam", "Anna"} == readers(parked.handoff)
    assert {"Olga", "Adam", "Anna", "Ben"} == readers(parked.reassigned_to(BEN).handoff)
    assert {"Olga", "Adam", "Anna"} == readers(parked.resumed().reassigned_to(BEN).handoffs[0])


def test_an_escalation_is_read_by_all_of_the_account() -> None:
    assert set(EVERYBODY) == readers(an_escalation(by=ANNA).handoff)


def test_while_it_is_parked_a_session_does_not_exist_for_others() -> None:
    parked = a_session(by=ANNA).parked().session

    for reader in (ANNA, OLGA, ADAM):
        parked.require_readable(reader)
    for stranger in (BEN, VERA, SYSTEM, evolve(BEN, user_id=UserId(new_id()))):
        with pytest.raises(NotFound):
            parked.require_readable(stranger)
