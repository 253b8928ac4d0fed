"""The escalation policy of one account, preferences, and how far policies have got."""

from datetime import datetime
from typing import Any, Final

from attrs import asdict
from sqlalchemy import bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.access.people import TEAM_IDS
from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own
from flowpilot_adapters.sql.records import notifications as records
from flowpilot_adapters.sql.schema import (
    delivery,
    escalation_policy,
    handoff,
    notification_preference,
    person,
    policy_run,
)
from flowpilot_adapters.sql.schema.relay import due_work
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.identifiers import HandoffId, PolicyRunId, UserId
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyRun
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.timing import Member
from flowpilot_core.ports.relay import WorkKind

POLICY: Final = compiled("escalation policy", select(escalation_policy.c.document).where(own(escalation_policy)))
_policy = upsert(escalation_policy).values({column: bindparam(column.name) for column in escalation_policy.c})
SET_POLICY: Final = compiled(
    "set escalation policy",
    _policy.on_conflict_do_update(
        index_elements=list(escalation_policy.primary_key),
        set_={column: _policy.excluded[column] for column in ("document", "claim_quiet_minutes")},
    ),
)
_members = (
    select(person.c.id, person.c.name, person.c.role, TEAM_IDS, notification_preference.c.document)
    .select_from(
        person.outerjoin(notification_preference, own(notification_preference) & (notification_preference.c.user_id == person.c.id))
    )
    .where(own(person), person.c.deactivated_at.is_(None))
    .order_by(person.c.created_at, person.c.id)
)
MEMBERS: Final = compiled("members", _members)
TOLD_THE_SAME: Final = compiled(
    "told the same",
    _members.where(
        person.c.id.in_(
            select(delivery.c.user_id).where(
                own(delivery),
                delivery.c.handoff_id == bindparam("handoff_id"),
                delivery.c.channel == bindparam("channel"),
                delivery.c.kind == bindparam("kind"),
                delivery.c.number == bindparam("number"),
            )
        )
    ),
)
PREFERENCES: Final = compiled(
    "preferences",
    select(notification_preference.c.document).where(
        own(notification_preference), notification_preference.c.user_id == bindparam("user_id")
    ),
)
_preference = upsert(notification_preference).values({column: bindparam(column.name) for column in notification_preference.c})
PREFER: Final = compiled(
    "prefer",
    _preference.on_conflict_do_update(
        index_elements=list(notification_preference.primary_key), set_={"document": _preference.excluded["document"]}
    ),
)
RUN: Final = compiled("policy run", select(*columns_but_account(policy_run)).where(own(policy_run), policy_run.c.id == bindparam("id")))
RUN_OF: Final = compiled(
    "policy run of handoff",
    select(*columns_but_account(policy_run)).where(own(policy_run), policy_run.c.handoff_id == bindparam("handoff_id")),
)
_run = upsert(policy_run).values({column: bindparam(column.name) for column in policy_run.c})
BEGIN_RUN: Final = compiled(
    "begin policy run",
    _run.on_conflict_do_update(
        index_elements=[policy_run.c.account_id, policy_run.c.handoff_id],
        set_={column: _run.excluded[column] for column in ("id", "since", "round", "fired", "reached")},
    ),
)
KEEP_RUN: Final = compiled(
    "keep policy run",
    update(policy_run)
    .where(own(policy_run), policy_run.c.id == bindparam("run_id"))
    .values(fired=bindparam("new_fired"), reached=bindparam("new_reached")),
)
_again = upsert(due_work).from_select(
    ["account_id", "id", "kind", "due_at", "takes"],
    select(
        ACCOUNT,
        policy_run.c.id,
        literal_column(f"'{WorkKind.POLICY_STEP}'"),
        bindparam("at", type_=due_work.c.due_at.type),
        literal_column("0"),
    )
    .join_from(policy_run, handoff, own(handoff) & (handoff.c.id == policy_run.c.handoff_id))
    .where(own(policy_run), handoff.c.state == literal_column(f"'{HandoffState.OPEN}'")),
)
LOOK_AGAIN: Final = compiled(
    "look at policy runs again",
    _again.on_conflict_do_update(
        index_elements=list(due_work.primary_key), set_={"due_at": func.least(due_work.c.due_at, _again.excluded.due_at)}
    ),
)


class SqlEscalation:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def policy(self) -> EscalationPolicy:
        """As `Escalation.policy` says."""
        (found,) = await self._transaction.read(POLICY(account_id=self._account_id))
        return policy_of(found.first)

    async def set_policy(self, policy: EscalationPolicy) -> None:
        """As `Escalation.set_policy` says."""
        self._transaction.write(
            SET_POLICY(account_id=self._account_id, document=documents.written(policy), claim_quiet_minutes=policy.claim_quiet_minutes)
        )

    async def members(self) -> tuple[Member, ...]:
        """As `Escalation.members` says."""
        (found,) = await self._transaction.read(MEMBERS(account_id=self._account_id))
        return tuple(_member(row) for row in found.rows)

    async def told_the_same(self, delivery: Delivery) -> tuple[Member, ...]:
        """As `Escalation.told_the_same` says."""
        (found,) = await self._transaction.read(
            TOLD_THE_SAME(
                account_id=self._account_id,
                handoff_id=delivery.handoff_id,
                channel=delivery.channel,
                kind=delivery.kind,
                number=delivery.number,
            )
        )
        return tuple(_member(row) for row in found.rows)

    async def preferences(self, user_id: UserId) -> Preferences:
        """As `Escalation.preferences` says."""
        (found,) = await self._transaction.read(PREFERENCES(account_id=self._account_id, user_id=user_id))
        return _preferences(user_id, found.first and found.first.document)

    async def prefer(self, preferences: Preferences) -> None:
        """As `Escalation.prefer` says."""
        self._transaction.write(PREFER(account_id=self._account_id, user_id=preferences.user_id, document=documents.written(preferences)))

    async def run(self, run_id: PolicyRunId) -> PolicyRun | None:
        """As `Escalation.run` says."""
        (found,) = await self._transaction.read(RUN(account_id=self._account_id, id=run_id))
        return None if found.first is None else records.policy_run(found.first)

    async def run_of(self, handoff_id: HandoffId) -> PolicyRun | None:
        """As `Escalation.run_of` says."""
        (found,) = await self._transaction.read(RUN_OF(account_id=self._account_id, handoff_id=handoff_id))
        return None if found.first is None else records.policy_run(found.first)

    async def begin_run(self, run: PolicyRun) -> None:
        """As `Escalation.begin_run` says."""
        self._transaction.write(BEGIN_RUN(account_id=self._account_id, **asdict(run)))

    async def keep_run(self, run: PolicyRun) -> None:
        """As `Escalation.keep_run` says."""
        self._transaction.write(KEEP_RUN(account_id=self._account_id, run_id=run.id, new_fired=run.fired, new_reached=run.reached))

    async def look_again(self, *, at: datetime) -> None:
        """As `Escalation.look_again` says."""
        self._transaction.write(LOOK_AGAIN(account_id=self._account_id, at=at))


def policy_of(row: Any) -> EscalationPolicy:
    """The account's policy in the row of it, if there is one."""
    return EscalationPolicy() if row is None else documents.read(row.document, EscalationPolicy)


def _preferences(user_id: UserId, document: str | bytes | None) -> Preferences:
    return Preferences(user_id=user_id) if document is None else documents.read(document, Preferences)


def _member(row: Any) -> Member:
    preferences = _preferences(row.id, row.document)
    return Member(user_id=row.id, name=row.name, role=Role(row.role), team_ids=frozenset(row.team_ids), preferences=preferences)
