"""The handoffs of one account, inside one unit of work."""

from datetime import datetime
from typing import Any, Final

from attrs import evolve
from sqlalchemy import (
    BigInteger,
    ScalarSelect,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.access.people import TEAM_IDS, SqlPeople
from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.kernel.events import counted, entered, log
from flowpilot_adapters.sql.notifications.escalation_policy import POLICY, policy_of
from flowpilot_adapters.sql.notifications.presence import ONLINE_NOW
from flowpilot_adapters.sql.queries import (
    ACCOUNT,
    HANDOFF_BY_ID,
    ONE,
    columns_but_account,
    is_active,
    names_of,
    of_handoffs,
    only_saved,
    own,
    people_in_handoffs,
)
from flowpilot_adapters.sql.records import assistant as assistant_records
from flowpilot_adapters.sql.records import handoffs as records
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.relay.due_work import index_for_search
from flowpilot_adapters.sql.schema import assessment, branch, delivery, handoff, handoff_seen, handoff_snapshot, person, session
from flowpilot_adapters.sql.sessions.sessions import SqlSessions
from flowpilot_adapters.sql.sessions.sessions import detail_calls as session_detail_calls
from flowpilot_adapters.sql.sessions.sessions import detail_of as session_detail_of
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.assistant.assessment import AssessmentState
from flowpilot_core.domain.handoffs.handoff import ESCALATION, Handoff, HandoffMove, Intent, claim_told
from flowpilot_core.domain.handoffs.snapshot import Snapshot
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, FlowPilotError, NotFound, Stale
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, BranchId, EventId, HandoffId, SessionId
from flowpilot_core.domain.kernel.permissions import PERMISSIONS, Permission, require_role
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import HELD, OFF_DUTY, REACHED, TELLING, Colleague, Reach
from flowpilot_core.domain.sessions.branch import BRANCH, BranchMove
from flowpilot_core.domain.sessions.session import SESSION, SessionMove
from flowpilot_core.ports.handoffs import Basis, HandoffDetail

ID: Final = bindparam("id", type_=handoff.c.id.type)

_it = handoff.alias("it")


def _its(column: str) -> ScalarSelect[Any]:
    return select(_it.c[column]).where(own(_it), _it.c.id == ID).scalar_subquery()


# By look-ups of its own columns rather than by a join: whatever the planner knows of the table, it reads the one session's handoffs.
_up_to_it = and_(
    handoff.c.session_id == _its("session_id"),
    tuple_(handoff.c.escalated_at, handoff.c.id) <= tuple_(_its("escalated_at"), ID),
)
_told = (
    select(
        func.count(delivery.c.user_id.distinct()).label("people_told"),
        func.count(delivery.c.user_id.distinct()).filter(delivery.c.state.in_(sorted(REACHED))).label("told_sent"),
        func.count(delivery.c.user_id.distinct()).filter(delivery.c.state == DeliveryState.DEAD).label("told_refused"),
        func.count(handoff_seen.c.user_id.distinct()).label("told_seen"),
        func.count(delivery.c.user_id.distinct())
        .filter(delivery.c.reason == OFF_DUTY, delivery.c.state.in_(sorted(HELD)))
        .label("told_off_duty"),
    )
    .select_from(
        delivery.outerjoin(
            handoff_seen,
            own(handoff_seen) & (handoff_seen.c.handoff_id == delivery.c.handoff_id) & (handoff_seen.c.user_id == delivery.c.user_id),
        )
    )
    .where(own(delivery), delivery.c.handoff_id == ID, delivery.c.kind.in_(sorted(TELLING)))
    .subquery("told")
)
_assessed = (
    select(*(column.label(f"assessment_{column.name}") for column in columns_but_account(assessment)))
    .where(own(assessment), assessment.c.handoff_id == ID)
    .order_by(assessment.c.state == AssessmentState.FAILED, assessment.c.id.desc())
    .limit(1)
    .subquery("assessed")
)
DETAIL: Final = compiled(
    "handoff in detail",
    select(*of_handoffs(), *_told.c, *names_of(people_in_handoffs(_up_to_it)).c, *_assessed.c)
    .join_from(handoff, _assessed, handoff.c.id == _assessed.c.assessment_handoff_id, isouter=True)
    .where(own(handoff), _up_to_it)
    .order_by(handoff.c.escalated_at, handoff.c.id),
)
COLLEAGUES: Final = compiled(
    "colleagues",
    select(person.c.id, TEAM_IDS, person.c.id.in_(ONLINE_NOW).label("online"))
    .where(own(person), person.c.deactivated_at.is_(None), person.c.role == any_(bindparam("roles", type_=ARRAY(Text))))
    .order_by(person.c.created_at, person.c.id),
)
ADD: Final = compiled(
    "add handoff", insert(handoff).values({column: bindparam(column.name) for column in handoff.c if column.name != "first_step_at"})
)
ADD_SNAPSHOT: Final = compiled(
    "add snapshot", insert(handoff_snapshot).values({column: bindparam(column.name) for column in handoff_snapshot.c})
)
CHANGING: Final = (
    "state",
    "priority",
    "queue_rank",
    "due_at",
    "team_id",
    "user_id",
    "claimed_by",
    "claimed_at",
    "claim_step_count",
    "claim_branch_count",
    "reroutes",
    "lapses",
    "unclaims",
    "readers",
)
SAVE: Final = only_saved(
    "save handoff",
    update(handoff)
    .where(handoff.c.account_id == ACCOUNT, handoff.c.id == bindparam("handoff_id"), handoff.c.version == bindparam("old_version"))
    .values({"version": handoff.c.version + 1, **{name: bindparam(f"new_{name}") for name in CHANGING}}),
    STALE,
)

CLAIMABLE: Final = tuple(sorted(state for state, move in ESCALATION if move is HandoffMove.CLAIM))
CLAIMED: Final = {ESCALATION[state, HandoffMove.CLAIM] for state in CLAIMABLE}.pop()
CLAIMABLE_SESSION: Final = tuple(sorted(status for status, move in SESSION if move is SessionMove.CLAIM))
CLAIMED_SESSION: Final = {SESSION[status, SessionMove.CLAIM] for status in CLAIMABLE_SESSION}.pop()
WORKABLE_BRANCH: Final = tuple(sorted(state for state, move in BRANCH if move is BranchMove.WORK))
CLAIMERS: Final = tuple(sorted(PERMISSIONS[Permission.CLAIM].roles))


def _claim(*, logged: bool) -> Select[Any]:
    """One statement that takes an open escalation, moves its session and, if `logged`, writes the event; a row if it did.

    Of two at once the second waits for the first at the handoff's row, and then finds it claimed.
    """
    by = bindparam("by", type_=person.c.id.type)
    expected = bindparam("expected", type_=BigInteger())  # Wider than any version is, as what a client may say is.
    chosen = bindparam("branch_id", type_=branch.c.id.type)
    open_branch = select(ONE).where(
        own(branch), branch.c.session_id == session.c.id, branch.c.id == chosen, branch.c.state.in_(WORKABLE_BRANCH)
    )
    branches = select(func.count()).select_from(branch).where(own(branch), branch.c.session_id == session.c.id)
    taken = (
        update(handoff)
        .values(
            state=CLAIMED,
            version=handoff.c.version + 1,
            claimed_by=by,
            claimed_at=func.greatest(bindparam("at", type_=handoff.c.claimed_at.type), handoff.c.escalated_at),
            claim_step_count=session.c.step_count,
            claim_branch_count=branches.scalar_subquery(),
            first_step_at=None,
        )
        .where(
            own(handoff),
            handoff.c.id == bindparam("handoff_id"),
            handoff.c.intent == Intent.ESCALATE,
            # A parameter, so that nobody thinks of the queue's index, whose condition it would meet: the row is found by its key.
            handoff.c.state == any_(bindparam("claimable", type_=ARRAY(Text))),
            handoff.c.escalated_by != by,
            or_(expected.is_(None), handoff.c.version == expected),
            own(session),
            session.c.id == handoff.c.session_id,
            session.c.status.in_(CLAIMABLE_SESSION),
            or_(chosen.is_(None), exists(open_branch)),
            exists().where(is_active(by), person.c.role.in_(CLAIMERS)),
        )
        .returning(handoff.c.id, handoff.c.session_id, handoff.c.claimed_at)
        .cte("taken")
    )
    moved = (
        update(session)
        .values(
            status=CLAIMED_SESSION,
            version=session.c.version + 1,
            assignee_id=by,
            taken_handoff_id=taken.c.id,
            taken_by=by,
            taken_worked_at=None,
            active_branch_id=func.coalesce(chosen, session.c.active_branch_id),
            updated_at=func.greatest(session.c.updated_at, taken.c.claimed_at),
        )
        .where(own(session), session.c.id == taken.c.session_id)
        .returning(taken.c.id, taken.c.session_id, taken.c.claimed_at)
        .cte("moved")
    )
    if not logged:
        return select(moved.c.id)
    event = {
        "kind": literal(EventKind.HANDOFF_CLAIMED, Text, literal_execute=False),
        "at": moved.c.claimed_at,
        "by_user_id": by,
        "cause": null(),
        "session_id": moved.c.session_id,
        "handoff_id": moved.c.id,
        "private": false(),
    }
    return select(entered(counted(exists(select(ONE).select_from(moved))), event).c.number)


CLAIM: Final = compiled("claim", _claim(logged=False))
CLAIM_AND_LOG: Final = compiled("claim and log", _claim(logged=True))


def detail_call(account_id: AccountId, handoff_id: HandoffId) -> Call:
    """What reads a handoff with all that stands around it."""
    return DETAIL(account_id=account_id, id=handoff_id)


def detail_of(result: Result) -> HandoffDetail:
    """What the result of `detail_call` says. Raises `NotFound`."""
    if not result.rows:
        raise NotFound("handoff")
    *chain, row = result.rows
    return HandoffDetail(
        handoff=records.handoff(row),
        chain=tuple(records.handoff(earlier) for earlier in chain),
        told=Reach(people=row.people_told, sent=row.told_sent, seen=row.told_seen, refused=row.told_refused, off_duty=row.told_off_duty),
        names=kernel_records.names(row),
        assessment=assistant_records.assessment_beside(row),
    )


class SqlHandoffs:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction, sessions: SqlSessions, people: SqlPeople) -> None:
        self._transaction = transaction
        self._sessions = sessions
        self._people = people
        self._account_id = transaction.account_id

    async def get(self, handoff_id: HandoffId) -> Handoff:
        """As `Handoffs.get` says."""
        (found,) = await self._transaction.read(HANDOFF_BY_ID(account_id=self._account_id, id=handoff_id))
        if found.first is None:
            raise NotFound("handoff")
        return records.handoff(found.first)

    async def detail(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `Handoffs.detail` says."""
        (found,) = await self._transaction.read(detail_call(self._account_id, handoff_id))
        return detail_of(found)

    async def basis(self, session_id: SessionId, roles: frozenset[Role]) -> Basis:
        """As `Handoffs.basis` says."""
        *found, colleagues, policy = await self._transaction.read(
            *session_detail_calls(self._account_id, session_id),
            COLLEAGUES(account_id=self._account_id, roles=list(roles)),
            POLICY(account_id=self._account_id),
        )
        detail = session_detail_of(found)
        self._sessions.remember(detail.session)
        told = tuple(Colleague(user_id=row.id, team_ids=frozenset(row.team_ids), online=row.online) for row in colleagues.rows)
        return Basis(detail=detail, colleagues=told, policy=policy_of(policy.first))

    async def add(self, new: Handoff, snapshot: Snapshot) -> None:
        """As `Handoffs.add` says."""
        brief = new.brief
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                version=new.version,
                session_id=new.session_id,
                intent=new.intent,
                reason=new.reason,
                note=new.note,
                escalated_by=new.escalated_by,
                escalated_at=new.escalated_at,
                wake_at=new.wake_at,
                snapshot_digest=new.snapshot_digest,
                title=brief.title,
                client_name=brief.client_name,
                ticket_system=brief.ticket and brief.ticket.system,
                ticket_id=brief.ticket and brief.ticket.id,
                headline=brief.headline,
                branch_count=brief.branch_count,
                step_count=brief.step_count,
                **_changing(new),
            )
        )
        self._transaction.write(ADD_SNAPSHOT(account_id=self._account_id, handoff_id=new.id, body=snapshot.body))
        index_for_search(self._transaction, new.session_id)

    async def save(self, changed: Handoff) -> Handoff:
        """As `Handoffs.save` says; which it is shows when it is written."""
        self._transaction.write_first(
            SAVE(
                account_id=self._account_id,
                handoff_id=changed.id,
                old_version=changed.version,
                **{f"new_{name}": value for name, value in _changing(changed).items()},
            )
        )
        return evolve(changed, version=changed.version + 1)

    async def claim(
        self,
        handoff_id: HandoffId,
        *,
        by: Person,
        at: datetime,
        event_id: EventId,
        request_id: str | None,
        expected: int | None,
        commit: bool,
        branch_id: BranchId | None = None,
    ) -> HandoffDetail:
        """As `Handoffs.claim` says. Where more follows before the commit the event waits for it, so that it locks nobody out."""
        taking = {
            "account_id": self._account_id,
            "handoff_id": handoff_id,
            "by": by.user_id,
            "at": at,
            "expected": expected,
            "claimable": CLAIMABLE,
            "branch_id": branch_id,
        }
        changed = claim_told(by.user_id, branch_id)
        reading = detail_call(self._account_id, handoff_id)
        if commit:
            claim = CLAIM_AND_LOG(**taking, event_id=event_id, event_request_id=request_id, event_changed=kernel_records.document(changed))
            claimed, found = await self._transaction.read_and_commit(claim, reading)
        else:
            claimed, found = await self._transaction.read(CLAIM(**taking), reading)
        detail = detail_of(found)
        if claimed.first is None:
            raise await self._refusal(detail, by=by, expected=expected, branch_id=branch_id)
        if not commit:
            handoff = detail.handoff
            event = Event.of(
                EventKind.HANDOFF_CLAIMED,
                by=by,
                at=handoff.claim.at if handoff.claim else at,
                session_id=handoff.session_id,
                handoff_id=handoff_id,
                changed=changed,
            )
            self._transaction.log(log(self._account_id, evolve(event, id=event_id, request_id=request_id)))
        return detail

    async def _refusal(self, detail: HandoffDetail, *, by: Person, expected: int | None, branch_id: BranchId | None) -> FlowPilotError:
        """Why a claim found no row to change."""
        handoff = detail.handoff
        try:
            handoff.require_readable(by)
            branches = None if branch_id is None else (await self._sessions.get(handoff.session_id)).branches
            if branches and branch_id:
                branches.get(branch_id)
            handoff.require_claimable(by=by)
            if branches:
                branches.for_steps(branch_id)
            handoff.require_version(expected)
            (await self._people.account()).require_open()
            require_role((await self._people.user(by.user_id)).acting(by.account_id, scope=by.scope), Permission.CLAIM)
        except AlreadyClaimed as lost:
            return AlreadyClaimed(lost.handoff_id, lost.by, lost.at, detail.names.get(lost.by))
        except FlowPilotError as refused:
            return refused
        # It became claimable between the statement and the look.
        return Stale()


def _changing(one: Handoff) -> dict[str, Any]:
    """The columns that moves change."""
    claim = one.claim
    return {
        "state": one.state,
        "priority": one.priority,
        "queue_rank": -one.priority.rank,
        "due_at": one.due_at,
        "team_id": one.team_id,
        "user_id": one.user_id,
        "claimed_by": claim and claim.by,
        "claimed_at": claim and claim.at,
        "claim_step_count": claim and claim.step_count,
        "claim_branch_count": claim and claim.branch_count,
        "reroutes": one.reroutes,
        "lapses": one.lapses,
        "unclaims": one.unclaims,
        "readers": list(one.readers),
    }
