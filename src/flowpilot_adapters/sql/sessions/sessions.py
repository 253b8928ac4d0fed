"""The sessions of one account and their steps."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve
from sqlalchemy import BindParameter, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import (
    ACCOUNT,
    branches_of,
    columns_but_account,
    names_of,
    of_handoffs,
    of_sessions,
    only_saved,
    own,
    people_in_fork_points,
    people_in_handoffs,
    people_in_sessions,
    people_in_steps,
    thumbs_by,
)
from flowpilot_adapters.sql.records import handoffs as handoffs_records
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.records import sessions as records
from flowpilot_adapters.sql.relay.due_work import index_for_search
from flowpilot_adapters.sql.schema import branch, fork_point, handoff, picture, session, step, step_rating
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId, BranchId, ForkPointId, PictureId, SessionId, StepId
from flowpilot_core.domain.sessions.branch import Branch, BranchState
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.domain.sessions.step import Step
from flowpilot_core.ports.sessions import SessionDetail

ID: Final[BindParameter[Any]] = bindparam("id")
SESSION_ID: Final = bindparam("session_id", type_=session.c.id.type)

GET: Final = compiled("session", select(*of_sessions()).where(own(session), session.c.id == SESSION_ID))
_names = names_of(
    people_in_sessions(session.c.id == SESSION_ID),
    people_in_fork_points(fork_point.c.session_id == SESSION_ID),
    people_in_steps(step.c.session_id == SESSION_ID),
    people_in_handoffs(handoff.c.session_id == SESSION_ID),
)
_thumbs = thumbs_by(step_rating.c.step_id).where(own(step_rating), step_rating.c.session_id == SESSION_ID).subquery("thumbs")
_all_thumbs = select(*(func.array_agg(column).label(f"thumbs_{column.name}") for column in _thumbs.c)).subquery("all_thumbs")
GET_WITH_NAMES: Final = compiled(
    "session with names",
    select(*of_sessions(), *_names.c, *_all_thumbs.c).where(own(session), session.c.id == SESSION_ID),
)
BRANCHES: Final = compiled("branches", branches_of(branch.c.session_id == SESSION_ID))
STEPS: Final = compiled(
    "steps", select(*columns_but_account(step)).where(own(step), step.c.session_id == SESSION_ID).order_by(step.c.number)
)
HANDOFFS: Final = compiled(
    "handoffs",
    select(*of_handoffs()).where(own(handoff), handoff.c.session_id == SESSION_ID).order_by(handoff.c.escalated_at, handoff.c.id),
)
STEP: Final = compiled("step", select(*columns_but_account(step)).where(own(step), step.c.session_id == SESSION_ID, step.c.id == ID))
ADD: Final = compiled("add session", insert(session).values({column: bindparam(column.name) for column in session.c}))
SAVE: Final = only_saved(
    "save session",
    update(session)
    .where(session.c.account_id == ACCOUNT, session.c.id == bindparam("session_id"), session.c.version == bindparam("old_version"))
    .values(
        {
            "version": session.c.version + 1,
            "escalation_package": func.coalesce(
                bindparam("new_escalation_package", type_=session.c.escalation_package.type), session.c.escalation_package
            ),
            "walk": func.coalesce(bindparam("new_walk", type_=session.c.walk.type), session.c.walk),
            **{
                name: bindparam(f"new_{name}")
                for name in (
                    "status",
                    "assignee_id",
                    "parked_with",
                    "helper_ids",
                    "active_branch_id",
                    "step_count",
                    "text_bytes",
                    "walk_tree_account_id",
                    "walk_tree_id",
                    "walk_revision",
                    "picture_count",
                    "resolution_summary",
                    "resolution_root_cause",
                    "latest_handoff_id",
                    "taken_handoff_id",
                    "taken_by",
                    "taken_worked_at",
                    "escalations",
                    "reopenings",
                    "resolved_at",
                    "helped",
                    "forks",
                    "dead_ends",
                    "updated_at",
                )
            },
        }
    ),
    STALE,
)
KNOW_TICKET: Final = compiled(
    "ticket facts",
    update(session)
    .where(session.c.account_id == ACCOUNT, session.c.id == bindparam("session_id"))
    .values(
        ticket_facts=bindparam("facts", type_=session.c.ticket_facts.type),
        client_name=func.coalesce(session.c.client_name, bindparam("client", type_=session.c.client_name.type)),
    ),
)
WORKED: Final = compiled(
    "claimer worked",
    update(handoff)
    .where(handoff.c.account_id == ACCOUNT, handoff.c.id == bindparam("handoff_id"))
    .values(first_step_at=bindparam("worked_at")),
)
_branch = upsert(branch).values({column: bindparam(column.name) for column in branch.c})
SAVE_BRANCH: Final = compiled(
    "save branch",
    _branch.on_conflict_do_update(
        index_elements=[branch.c.account_id, branch.c.session_id, branch.c.id],
        set_={column: _branch.excluded[column] for column in ("state", "close_reason", "closed_at")},
    ),
)
ADD_FORK_POINT: Final = compiled(
    "add fork point",
    upsert(fork_point)
    .values({column: bindparam(column.name) for column in fork_point.c})
    .on_conflict_do_nothing(index_elements=[fork_point.c.account_id, fork_point.c.session_id, fork_point.c.id]),
)
ADD_STEP: Final = compiled("add step", insert(step).values({column: bindparam(column.name) for column in step.c}))
SAVE_STEP: Final = compiled(
    "save step",
    update(step)
    .where(own(step), step.c.session_id == bindparam("step_session_id"), step.c.id == bindparam("step_id"))
    .values(
        branch_id=bindparam("new_branch_id"),
        result=bindparam("new_result"),
        evidence=bindparam("new_evidence"),
        pictures=bindparam("new_pictures"),
        updated_at=bindparam("new_updated_at"),
    ),
)
ADD_PICTURE: Final = compiled("add picture", insert(picture).values({column: bindparam(column.name) for column in picture.c}))
PICTURE: Final = compiled(
    "picture",
    select(picture.c.content).where(
        own(picture), picture.c.session_id == SESSION_ID, picture.c.step_id == bindparam("step_id"), picture.c.id == ID
    ),
)


def detail_calls(account_id: AccountId, session_id: SessionId) -> list[Call]:
    """What reads a session with all that stands around it."""
    return [statement(account_id=account_id, session_id=session_id) for statement in (GET_WITH_NAMES, BRANCHES, STEPS, HANDOFFS)]


def detail_of(results: list[Result]) -> SessionDetail:
    """What the results of `detail_calls` say. Raises `NotFound`."""
    found, branches, steps, handoffs = results
    if found.first is None:
        raise NotFound("session")
    return SessionDetail(
        session=records.session(found.first, branches.rows),
        steps=tuple(records.step(row) for row in steps.rows),
        handoffs=tuple(handoffs_records.handoff(row) for row in handoffs.rows),
        names=kernel_records.names(found.first),
        thumbs=records.thumbs(found.first),
    )


class SqlSessions:
    """Inside one unit of work. It remembers what it loaded, so that only what changed is written."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id
        self._loaded: dict[SessionId, Session] = {}

    async def get(self, session_id: SessionId) -> Session:
        """As `Sessions.get` says."""
        found, branches = await self._transaction.read(
            GET(account_id=self._account_id, session_id=session_id), BRANCHES(account_id=self._account_id, session_id=session_id)
        )
        if found.first is None:
            raise NotFound("session")
        return self.remember(records.session(found.first, branches.rows))

    async def detail(self, session_id: SessionId) -> SessionDetail:
        """As `Sessions.detail` says."""
        detail = detail_of(await self._transaction.read(*detail_calls(self._account_id, session_id)))
        self.remember(detail.session)
        return detail

    def remember(self, found: Session) -> Session:
        """It is stored as it is here, as far as this unit of work knows."""
        self._loaded[found.id] = found
        return found

    async def step(self, session_id: SessionId, step_id: StepId) -> Step:
        """As `Sessions.step` says."""
        (found,) = await self._transaction.read(STEP(account_id=self._account_id, session_id=session_id, id=step_id))
        if found.first is None:
            raise NotFound("step")
        return records.step(found.first)

    async def add(self, new: Session) -> None:
        """As `Sessions.add` says."""
        ticket, resolution = new.ticket, new.resolution
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                version=new.version,
                title=new.title,
                problem=new.problem,
                client_name=new.client_name,
                ticket_system=ticket and ticket.system,
                ticket_id=ticket and ticket.id,
                ticket_facts=kernel_records.document(new.ticket_facts),
                priority=new.priority,
                team_id=new.team_id,
                created_by=new.created_by,
                created_at=new.created_at,
                escalation_package=kernel_records.document(new.escalation_package),
                walk=None if new.walk is None else documents.written(new.walk),
                resolution_summary=resolution and resolution.summary,
                resolution_root_cause=resolution and resolution.root_cause,
                **_changing(new, self._account_id),
            )
        )
        self._write_branches(new, None)
        index_for_search(self._transaction, new.id)
        self.remember(new)

    async def save(self, changed: Session) -> Session:
        """As `Sessions.save` says; which it is shows when it is written."""
        before = self._loaded.get(changed.id)
        resolution, package = changed.resolution, changed.escalation_package
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                session_id=changed.id,
                old_version=changed.version,
                new_escalation_package=None if before and package is before.escalation_package else kernel_records.document(package),
                new_walk=None if changed.walk is None or (before and changed.walk is before.walk) else documents.written(changed.walk),
                new_resolution_summary=resolution and resolution.summary,
                new_resolution_root_cause=resolution and resolution.root_cause,
                **{f"new_{name}": value for name, value in _changing(changed, self._account_id).items()},
            )
        )
        taken = changed.taken
        if taken and not (before and before.taken == taken):
            self._transaction.write_first(WORKED(account_id=self._account_id, handoff_id=taken.handoff_id, worked_at=taken.worked_at))
        self._write_branches(changed, before)
        if before is None or _searched(before) != _searched(changed):
            index_for_search(self._transaction, changed.id)
        return self.remember(evolve(changed, version=changed.version + 1))

    async def know_ticket(self, session_id: SessionId, facts: Mapping[str, Plain], *, client_name: str | None) -> None:
        """As `Sessions.know_ticket` says."""
        self._transaction.write(
            KNOW_TICKET(account_id=self._account_id, session_id=session_id, facts=kernel_records.document(facts), client=client_name)
        )
        index_for_search(self._transaction, session_id)

    async def add_step(self, new: Step) -> None:
        """As `Sessions.add_step` says."""
        self._transaction.write(
            ADD_STEP(
                account_id=self._account_id,
                session_id=new.session_id,
                id=new.id,
                branch_id=new.branch_id,
                number=new.number,
                kind=new.kind,
                content=new.content,
                result=new.result,
                evidence=new.evidence,
                script=None if new.script is None else documents.written(new.script),
                node=None if new.node is None else documents.written(new.node),
                pictures=_document(new.pictures),
                created_by=new.created_by,
                created_at=new.created_at,
                updated_at=new.updated_at,
            )
        )
        index_for_search(self._transaction, new.session_id)

    async def save_step(self, changed: Step) -> None:
        """As `Sessions.save_step` says."""
        self._transaction.write(
            SAVE_STEP(
                account_id=self._account_id,
                step_session_id=changed.session_id,
                step_id=changed.id,
                new_branch_id=changed.branch_id,
                new_result=changed.result,
                new_evidence=changed.evidence,
                new_pictures=_document(changed.pictures),
                new_updated_at=changed.updated_at,
            )
        )
        index_for_search(self._transaction, changed.session_id)

    async def add_picture(self, step: Step, picture_id: PictureId, content: bytes) -> None:
        """As `Sessions.add_picture` says."""
        self._transaction.write(
            ADD_PICTURE(account_id=self._account_id, session_id=step.session_id, step_id=step.id, id=picture_id, content=content)
        )

    def _write_branches(self, changed: Session, before: Session | None) -> None:
        forks = {fork.id for fork in before.branches.fork_points} if before else set[ForkPointId]()
        for fork in changed.branches.fork_points:
            if fork.id not in forks:
                self._transaction.write(
                    ADD_FORK_POINT(
                        account_id=self._account_id,
                        session_id=changed.id,
                        id=fork.id,
                        branch_id=fork.branch_id,
                        at_step_id=fork.at_step_id,
                        at_step_number=fork.at_step_number,
                        reason=fork.reason,
                        created_by=fork.created_by,
                        created_at=fork.created_at,
                    )
                )
        known = {branch.id: branch for branch in before.branches.all} if before else dict[BranchId, Branch]()
        for number, one in enumerate(changed.branches.all):
            if one is not known.get(one.id):
                self._transaction.write(
                    SAVE_BRANCH(
                        account_id=self._account_id,
                        session_id=changed.id,
                        id=one.id,
                        number=number,
                        parent_id=one.parent_id,
                        fork_point_id=one.fork_point_id,
                        label=one.label,
                        hypothesis=one.hypothesis,
                        state=one.state,
                        close_reason=one.close_reason,
                        created_at=one.created_at,
                        closed_at=one.closed_at,
                    )
                )


def _document(pictures: tuple[Picture, ...]) -> str | None:
    return documents.written(pictures) if pictures else None


def _searched(session: Session) -> object:
    """What changes with what search finds, besides steps: its texts, and what has been done for a reason."""
    return session.resolution, session.branches.all, session.walk, session.reopenings, session.status is Status.ABANDONED


def _changing(one: Session, account_id: AccountId) -> dict[str, Any]:
    """The columns, but for the documents, that moves change."""
    return {
        "status": one.status,
        "assignee_id": one.assignee_id,
        "parked_with": list(one.parked_with),
        "helper_ids": list(one.helper_ids),
        "active_branch_id": one.branches.active_id,
        "step_count": one.step_count,
        "text_bytes": one.text_bytes,
        "walk_tree_account_id": one.walk and (PLATFORM_ACCOUNT if one.walk.of_platform else account_id),
        "walk_tree_id": one.walk and one.walk.tree_id,
        "walk_revision": one.walk and one.walk.revision,
        "picture_count": one.picture_count,
        "latest_handoff_id": one.latest_handoff_id,
        "taken_handoff_id": one.taken and one.taken.handoff_id,
        "taken_by": one.taken and one.taken.by,
        "taken_worked_at": one.taken and one.taken.worked_at,
        "escalations": one.escalations,
        "reopenings": one.reopenings,
        "resolved_at": one.resolved_at,
        "helped": one.helped,
        "forks": len(one.branches.fork_points),
        "dead_ends": sum(branch.state is BranchState.DEAD_END for branch in one.branches.all),
        "updated_at": one.updated_at,
    }
