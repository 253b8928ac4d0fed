"""The tables, all in the schema `flowpilot`.

Every primary key, unique key and foreign key begins with `account_id`, so that no row can point across accounts or tell of another's,
even where all code is wrong. Ids are made by the application and numbers come from locked rows: a sequence would tell how much
others write.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.actor import Role, Scope
from flowpilot_core.domain.assessment import AssessmentState, FeedbackVerdict
from flowpilot_core.domain.branch import BranchState
from flowpilot_core.domain.delivery import PERSONAL, Channel, DeliveryKind, DeliveryState
from flowpilot_core.domain.handoff import HANDOFF, HandoffState, Intent
from flowpilot_core.domain.opinion import Verdict
from flowpilot_core.domain.output import Author, OutputKind, OutputState
from flowpilot_core.domain.psa_connection import Circuit, Deed, NoteKind
from flowpilot_core.domain.psa_post import PostState
from flowpilot_core.domain.session import Priority, Status
from flowpilot_core.domain.step import StepKind, StepResult
from flowpilot_core.domain.suggestion import SuggestionState
from flowpilot_core.domain.webhook import WebhookFormat

SCHEMA: Final = "flowpilot"

metadata = MetaData(schema=SCHEMA)


def _uuid(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Uuid, nullable=null)


def _text(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _time(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=null)


def _integer(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=null)


def _key(table: str, *columns: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint("account_id", *columns, name=f"pk_{table}")


def _refers(table: str, what: str, columns: tuple[str, ...], to: str, key: tuple[str, ...], *, late: bool = False) -> ForeignKeyConstraint:
    """A foreign key in the account. `late`: checked at the commit, where two tables point at each other."""
    return ForeignKeyConstraint(
        ("account_id", *columns),
        [f"{SCHEMA}.{to}.{column}" for column in ("account_id", *key)],
        name=f"fk_{table}_{what}",
        use_alter=late,
        deferrable=late or None,
        initially="DEFERRED" if late else None,
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _one_of(table: str, column: str, values: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_listed(values)})", name=f"ck_{table}_{column}")


account = Table(
    "account",
    metadata,
    _uuid("account_id"),
    _text("name"),
    _time("created_at"),
    Column("redacts_personal", Boolean, nullable=False),
    _integer("mails_a_minute"),
    _key("account"),
)

event_counter = Table(
    "event_counter",
    metadata,
    _uuid("account_id"),
    Column("number", BigInteger, nullable=False),
    _key("event_counter"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_event_counter_account"),
    # One row an account, changed by every commit: room on its page keeps the changes there.
    postgresql_with={"fillfactor": "10"},
)
"""The number of the account's last event. Apart from the account, whose row every foreign key to it locks for a moment."""

team = Table(
    "team",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _text("name"),
    _time("archived_at", null=True),
    _key("team", "id"),
    UniqueConstraint("account_id", "name", name="uq_team_name"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_team_account"),
)

person = Table(
    "person",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _text("email"),
    _text("folded_email"),
    _text("name"),
    _text("role"),
    _time("deactivated_at", null=True),
    Column("invited", Boolean, nullable=False),
    _time("created_at"),
    _key("person", "id"),
    UniqueConstraint("account_id", "folded_email", name="uq_person_email"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_person_account"),
    _one_of("person", "role", Role),
    CheckConstraint("deactivated_at IS NOT NULL OR NOT invited", name="ck_person_invited"),
)
"""The users of an account, under a name that needs no quotes."""

team_membership = Table(
    "team_membership",
    metadata,
    _uuid("account_id"),
    _uuid("user_id"),
    _uuid("team_id"),
    _key("team_membership", "user_id", "team_id"),
    _refers("team_membership", "user", ("user_id",), "person", ("id",)),
    _refers("team_membership", "team", ("team_id",), "team", ("id",)),
)

invitation = Table(
    "invitation",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("user_id"),
    _uuid("invited_by"),
    _text("mail"),
    _integer("attempts"),
    _text("last_error", null=True),
    Column("digests", ARRAY(LargeBinary), nullable=False),
    _time("created_at"),
    _time("expires_at"),
    _key("invitation", "id"),
    UniqueConstraint("account_id", "user_id", name="uq_invitation_user"),
    _refers("invitation", "user", ("user_id",), "person", ("id",)),
    _refers("invitation", "inviter", ("invited_by",), "person", ("id",)),
    _one_of("invitation", "mail", DeliveryState),
)
"""What somebody has yet to accept, with the digests of the links that were mailed."""

api_token = Table(
    "api_token",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("user_id"),
    _text("name"),
    _text("scope"),
    Column("digest", LargeBinary, nullable=False),
    _time("created_at"),
    _time("expires_at", null=True),
    _time("revoked_at", null=True),
    _time("last_used_at", null=True),
    _key("api_token", "id"),
    _one_of("api_token", "scope", Scope),
    Index("ix_api_token_user", "account_id", "user_id", "id"),
    UniqueConstraint("account_id", "digest", name="uq_api_token_digest"),
    _refers("api_token", "user", ("user_id",), "person", ("id",)),
)

sign_in = Table(
    "sign_in",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("user_id"),
    Column("digest", LargeBinary, nullable=False),
    _time("created_at"),
    _time("expires_at"),
    _key("sign_in", "id"),
    UniqueConstraint("account_id", "digest", name="uq_sign_in_digest"),
    _refers("sign_in", "user", ("user_id",), "person", ("id",)),
)
"""The browsers that people are signed in with."""

sign_in_link = Table(
    "sign_in_link",
    metadata,
    _uuid("account_id"),
    Column("digest", LargeBinary, nullable=False),
    _uuid("user_id"),
    _time("expires_at"),
    _key("sign_in_link", "digest"),
    _refers("sign_in_link", "user", ("user_id",), "person", ("id",)),
)

sign_in_code = Table(
    "sign_in_code",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    Column("browser", LargeBinary, nullable=False),
    _text("email"),
    _text("back_to"),
    Column("digests", ARRAY(LargeBinary), nullable=False),
    _integer("tries"),
    _time("created_at"),
    _time("expires_at"),
    _key("sign_in_code", "id"),
    UniqueConstraint("account_id", "browser", name="uq_sign_in_code_browser"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_sign_in_code_account"),
    Index("ix_sign_in_code_email", "account_id", "email"),
)
"""Codes that browsers asked for; nothing says whether anybody has the address."""

identity_provider = Table(
    "identity_provider",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _text("name"),
    _text("issuer"),
    _text("client_id"),
    _uuid("secret_id", null=True),
    _time("created_at"),
    _key("identity_provider", "id"),
    UniqueConstraint("account_id", "issuer", name="uq_identity_provider_issuer"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_identity_provider_account"),
    _refers("identity_provider", "secret", ("secret_id",), "secret", ("id",)),
)

audit_head = Table(
    "audit_head",
    metadata,
    _uuid("account_id"),
    Column("number", BigInteger, nullable=False),
    _text("digest"),
    _key("audit_head"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_audit_head_account"),
)
"""The end of the account's audit log; whoever enters something holds it."""

audit_entry = Table(
    "audit_entry",
    metadata,
    _uuid("account_id"),
    Column("number", BigInteger, nullable=False),
    _text("kind"),
    _time("at"),
    _uuid("by_user_id", null=True),
    _text("cause", null=True),
    _uuid("thing_id", null=True),
    Column("changed", JSONB, nullable=False),
    _text("request_id", null=True),
    _text("previous"),
    _text("digest"),
    _key("audit_entry", "number"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_audit_entry_account"),
    _refers("audit_entry", "by", ("by_user_id",), "person", ("id",)),
)

identity_link = Table(
    "identity_link",
    metadata,
    _uuid("account_id"),
    _uuid("provider_id"),
    _text("subject"),
    _uuid("user_id"),
    _key("identity_link", "provider_id", "subject"),
    _refers("identity_link", "provider", ("provider_id",), "identity_provider", ("id",)),
    _refers("identity_link", "user", ("user_id",), "person", ("id",)),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    _uuid("account_id"),
    Column("digest", LargeBinary, nullable=False),
    _uuid("provider_id"),
    _text("back_to"),
    _time("expires_at"),
    _key("sign_in_attempt", "digest"),
    _refers("sign_in_attempt", "provider", ("provider_id",), "identity_provider", ("id",)),
)
"""Browsers that are at their identity provider's."""

session = Table(
    "session",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _integer("version"),
    _text("status"),
    _text("title"),
    _text("problem"),
    _text("client_name", null=True),
    _text("ticket_system", null=True),
    _text("ticket_id", null=True),
    Column("ticket_facts", JSONB, nullable=True),
    _text("priority"),
    _uuid("team_id", null=True),
    _uuid("assignee_id"),
    Column("parked_with", ARRAY(Uuid), nullable=False),
    Column("helper_ids", ARRAY(Uuid), nullable=False),
    _uuid("active_branch_id"),
    _integer("step_count"),
    _text("resolution_summary", null=True),
    _text("resolution_root_cause", null=True),
    Column("escalation_package", JSONB, nullable=True),
    _uuid("latest_handoff_id", null=True),
    _uuid("created_by"),
    _time("created_at"),
    _time("updated_at"),
    _key("session", "id"),
    _refers("session", "team", ("team_id",), "team", ("id",)),
    _refers("session", "assignee", ("assignee_id",), "person", ("id",)),
    _refers("session", "created_by", ("created_by",), "person", ("id",)),
    _refers("session", "active_branch", ("id", "active_branch_id"), "branch", ("session_id", "id"), late=True),
    _refers("session", "latest_handoff", ("latest_handoff_id",), "handoff", ("id",), late=True),
    _one_of("session", "status", Status),
    _one_of("session", "priority", Priority),
    CheckConstraint("(ticket_system IS NULL) = (ticket_id IS NULL)", name="ck_session_ticket"),
    CheckConstraint("status = 'parked' OR parked_with = '{}'", name="ck_session_parked_with"),
    CheckConstraint("status = 'active' OR helper_ids = '{}'", name="ck_session_helper_ids"),
    CheckConstraint("resolution_summary IS NOT NULL OR resolution_root_cause IS NULL", name="ck_session_resolution"),
    Index("ix_session_assignee", "account_id", "assignee_id", "id"),
    Index("ix_session_resolved", "account_id", "id", postgresql_where=text("status = 'resolved'")),
    Index("ix_session_ticket", "account_id", "ticket_id", "ticket_system", postgresql_where=text("ticket_id IS NOT NULL")),
)

branch = Table(
    "branch",
    metadata,
    _uuid("account_id"),
    _uuid("session_id"),
    _uuid("id"),
    _integer("number"),
    _uuid("parent_id", null=True),
    _uuid("fork_point_id", null=True),
    _text("label"),
    _text("hypothesis", null=True),
    _text("state"),
    _text("close_reason", null=True),
    _time("created_at"),
    _time("closed_at", null=True),
    _key("branch", "session_id", "id"),
    _refers("branch", "session", ("session_id",), "session", ("id",)),
    _refers("branch", "parent", ("session_id", "parent_id"), "branch", ("session_id", "id")),
    _refers("branch", "fork_point", ("session_id", "fork_point_id"), "fork_point", ("session_id", "id"), late=True),
    _one_of("branch", "state", BranchState),
    CheckConstraint("(parent_id IS NULL) = (fork_point_id IS NULL)", name="ck_branch_fork"),
    CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="ck_branch_closed_at"),
)
"""`number` is its place among the branches of its session, oldest first, from 0."""

fork_point = Table(
    "fork_point",
    metadata,
    _uuid("account_id"),
    _uuid("session_id"),
    _uuid("id"),
    _uuid("branch_id"),
    _uuid("at_step_id"),
    _integer("at_step_number"),
    _text("reason"),
    _uuid("created_by"),
    _time("created_at"),
    _key("fork_point", "session_id", "id"),
    _refers("fork_point", "branch", ("session_id", "branch_id"), "branch", ("session_id", "id")),
    _refers("fork_point", "step", ("session_id", "at_step_id"), "step", ("session_id", "id")),
    _refers("fork_point", "created_by", ("created_by",), "person", ("id",)),
)

step = Table(
    "step",
    metadata,
    _uuid("account_id"),
    _uuid("session_id"),
    _uuid("id"),
    _uuid("branch_id"),
    _integer("number"),
    _text("kind"),
    _text("content"),
    _text("result", null=True),
    _text("evidence", null=True),
    _uuid("created_by"),
    _time("created_at"),
    _time("updated_at"),
    _key("step", "session_id", "id"),
    UniqueConstraint("account_id", "session_id", "number", name="uq_step_number"),
    _refers("step", "branch", ("session_id", "branch_id"), "branch", ("session_id", "id")),
    _refers("step", "created_by", ("created_by",), "person", ("id",)),
    _one_of("step", "kind", StepKind),
    _one_of("step", "result", StepResult),
)

handoff = Table(
    "handoff",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _integer("version"),
    _uuid("session_id"),
    _text("intent"),
    _text("state"),
    _text("reason"),
    _text("note", null=True),
    _text("priority"),
    Column("queue_rank", SmallInteger, nullable=False),
    _uuid("team_id", null=True),
    _uuid("user_id", null=True),
    _uuid("escalated_by"),
    _time("escalated_at"),
    _uuid("claimed_by", null=True),
    _time("claimed_at", null=True),
    _integer("claim_step_count", null=True),
    _integer("claim_branch_count", null=True),
    _time("wake_at", null=True),
    _time("due_at", null=True),
    Column("readers", ARRAY(Uuid), nullable=False),
    _text("snapshot_digest"),
    _text("title"),
    _text("client_name", null=True),
    _text("ticket_system", null=True),
    _text("ticket_id", null=True),
    _text("headline"),
    _integer("branch_count"),
    _integer("step_count"),
    _key("handoff", "id"),
    _refers("handoff", "session", ("session_id",), "session", ("id",)),
    _refers("handoff", "team", ("team_id",), "team", ("id",)),
    _refers("handoff", "user", ("user_id",), "person", ("id",)),
    _refers("handoff", "escalated_by", ("escalated_by",), "person", ("id",)),
    _refers("handoff", "claimed_by", ("claimed_by",), "person", ("id",)),
    _one_of("handoff", "intent", Intent),
    _one_of("handoff", "priority", Priority),
    CheckConstraint(
        " OR ".join(
            f"intent = '{intent}' AND state IN ({_listed(sorted({HandoffState.OPEN, *moves.values()}))})"
            for intent, moves in HANDOFF.items()
        ),
        name="ck_handoff_state",
    ),
    CheckConstraint(
        "(state = 'claimed') = (claimed_by IS NOT NULL)"
        " AND num_nulls(claimed_by, claimed_at, claim_step_count, claim_branch_count) IN (0, 4)",
        name="ck_handoff_claim",
    ),
    CheckConstraint("(ticket_system IS NULL) = (ticket_id IS NULL)", name="ck_handoff_ticket"),
    CheckConstraint("intent = 'park' OR readers = '{}'", name="ck_handoff_readers"),
    CheckConstraint("intent = 'park' OR wake_at IS NULL", name="ck_handoff_wake_at"),
    Index(
        "ix_handoff_queue",
        "account_id",
        "queue_rank",
        "escalated_at",
        "id",
        postgresql_where=text("state = 'open' AND intent = 'escalate'"),
    ),
    Index("ix_handoff_session", "account_id", "session_id"),
)
"""`queue_rank` is the priority's rank with its sign turned, so that the queue is read by one ascending index."""

handoff_snapshot = Table(
    "handoff_snapshot",
    metadata,
    _uuid("account_id"),
    _uuid("handoff_id"),
    Column("body", LargeBinary, nullable=False),
    _key("handoff_snapshot", "handoff_id"),
    _refers("handoff_snapshot", "handoff", ("handoff_id",), "handoff", ("id",)),
)

event = Table(
    "event",
    metadata,
    _uuid("account_id"),
    Column("number", BigInteger, nullable=False),
    _uuid("id"),
    _text("kind"),
    _time("at"),
    _uuid("by_user_id", null=True),
    _text("cause", null=True),
    _text("request_id", null=True),
    _uuid("session_id"),
    _uuid("handoff_id", null=True),
    Column("private", Boolean, nullable=False),
    Column("changed", JSONB, nullable=False),
    _key("event", "number"),
    UniqueConstraint("account_id", "id", name="uq_event_id"),
    _refers("event", "by", ("by_user_id",), "person", ("id",)),
    _refers("event", "session", ("session_id",), "session", ("id",)),
    _refers("event", "handoff", ("handoff_id",), "handoff", ("id",)),
    CheckConstraint("handoff_id IS NOT NULL OR NOT private", name="ck_event_private"),
    Index("ix_event_session", "account_id", "session_id", "number"),
)

handoff_seen = Table(
    "handoff_seen",
    metadata,
    _uuid("account_id"),
    _uuid("handoff_id"),
    _uuid("user_id"),
    _time("seen_at"),
    _key("handoff_seen", "handoff_id", "user_id"),
    _refers("handoff_seen", "handoff", ("handoff_id",), "handoff", ("id",)),
    _refers("handoff_seen", "user", ("user_id",), "person", ("id",)),
)

handoff_verdict = Table(
    "handoff_verdict",
    metadata,
    _uuid("account_id"),
    _uuid("handoff_id"),
    _uuid("user_id"),
    _text("verdict"),
    _text("comment", null=True),
    _time("given_at"),
    _key("handoff_verdict", "handoff_id", "user_id"),
    _refers("handoff_verdict", "handoff", ("handoff_id",), "handoff", ("id",)),
    _refers("handoff_verdict", "user", ("user_id",), "person", ("id",)),
    _one_of("handoff_verdict", "verdict", Verdict),
)

escalation_policy = Table(
    "escalation_policy",
    metadata,
    _uuid("account_id"),
    Column("document", JSONB, nullable=False),
    _integer("claim_quiet_minutes", null=True),
    _key("escalation_policy"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_escalation_policy_account"),
)
"""Beside the document what a claim asks of it in its one trip."""

notification_preference = Table(
    "notification_preference",
    metadata,
    _uuid("account_id"),
    _uuid("user_id"),
    Column("document", JSONB, nullable=False),
    _key("notification_preference", "user_id"),
    _refers("notification_preference", "user", ("user_id",), "person", ("id",)),
)

policy_run = Table(
    "policy_run",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("handoff_id"),
    _time("since"),
    _integer("round"),
    _integer("fired"),
    _key("policy_run", "id"),
    UniqueConstraint("account_id", "handoff_id", name="uq_policy_run_handoff"),
    _refers("policy_run", "handoff", ("handoff_id",), "handoff", ("id",)),
)
"""How far the escalation policy of each escalation has got."""

claim_watch = Table(
    "claim_watch",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("handoff_id"),
    _time("claimed_at"),
    _time("warned_of", null=True),
    _key("claim_watch", "id"),
    _refers("claim_watch", "handoff", ("handoff_id",), "handoff", ("id",)),
)
"""Claims that lapse if they go quiet."""

step_rating = Table(
    "step_rating",
    metadata,
    _uuid("account_id"),
    _uuid("session_id"),
    _uuid("step_id"),
    _uuid("user_id"),
    Column("thumb", SmallInteger, nullable=False),
    _text("comment", null=True),
    _time("given_at"),
    _key("step_rating", "session_id", "step_id", "user_id"),
    _refers("step_rating", "step", ("session_id", "step_id"), "step", ("session_id", "id")),
    _refers("step_rating", "user", ("user_id",), "person", ("id",)),
    CheckConstraint("thumb IN (-1, 1)", name="ck_step_rating_thumb"),
)

imported_row = Table(
    "imported_row",
    metadata,
    _uuid("account_id"),
    _text("log"),
    Column("line", BigInteger, nullable=False),
    _text("case_name"),
    _uuid("session_id"),
    _text("outcome"),
    _key("imported_row", "log", "line"),
    _refers("imported_row", "session", ("session_id",), "session", ("id",)),
)
"""The import's ledger: each row of each log that was replayed."""

delivery = Table(
    "delivery",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("handoff_id"),
    _uuid("user_id", null=True),
    _text("channel"),
    _text("kind"),
    _integer("number"),
    _text("state"),
    _text("reason", null=True),
    _integer("attempts"),
    _text("last_error", null=True),
    Column("maybe_arrived", Boolean, nullable=False),
    _time("waits_until", null=True),
    _uuid("carried_by", null=True),
    _text("message_id", null=True),
    _time("created_at"),
    _time("updated_at"),
    _key("delivery", "id"),
    _refers("delivery", "handoff", ("handoff_id",), "handoff", ("id",)),
    _refers("delivery", "user", ("user_id",), "person", ("id",)),
    _refers("delivery", "carried_by", ("carried_by",), "delivery", ("id",)),
    UniqueConstraint("account_id", "handoff_id", "user_id", "channel", "kind", "number", name="uq_delivery_about"),
    _one_of("delivery", "channel", Channel),
    _one_of("delivery", "kind", DeliveryKind),
    _one_of("delivery", "state", DeliveryState),
    CheckConstraint(f"user_id IS NOT NULL OR channel NOT IN ({_listed(sorted(PERSONAL))})", name="ck_delivery_user"),
    Index(
        "ix_delivery_mailed",
        "account_id",
        "user_id",
        "updated_at",
        postgresql_where=text("channel = 'email' AND carried_by IS NULL AND state IN ('delivered', 'sending', 'sent')"),
    ),
    Index("ix_delivery_waiting", "account_id", "user_id", postgresql_where=text("waits_until IS NOT NULL")),
    Index("ix_delivery_carried", "account_id", "carried_by", postgresql_where=text("carried_by IS NOT NULL")),
)

assessment = Table(
    "assessment",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("handoff_id"),
    _text("state"),
    _text("snapshot_digest"),
    _uuid("requested_by", null=True),
    _time("requested_at"),
    _time("made_at", null=True),
    _text("provider", null=True),
    _text("model", null=True),
    _text("prompt_version", null=True),
    _integer("tokens_in"),
    _integer("tokens_out"),
    Column("cost_micros", BigInteger, nullable=True),
    _integer("latency_ms"),
    _text("problem", null=True),
    Column("body", JSONB, nullable=True),
    _key("assessment", "id"),
    _refers("assessment", "handoff", ("handoff_id",), "handoff", ("id",)),
    _refers("assessment", "requested_by", ("requested_by",), "person", ("id",)),
    _one_of("assessment", "state", AssessmentState),
    CheckConstraint("state <> 'ready' OR num_nulls(made_at, provider, prompt_version, body) = 0", name="ck_assessment_ready"),
    Index("ix_assessment_handoff", "account_id", "handoff_id", "id"),
)

output = Table(
    "output",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("session_id"),
    _text("kind"),
    _integer("version"),
    _text("state"),
    Column("pending", Boolean, nullable=False),
    _text("problem", null=True),
    _uuid("approved_by", null=True),
    _time("created_at"),
    _time("updated_at"),
    _key("output", "id"),
    _refers("output", "session", ("session_id",), "session", ("id",)),
    _refers("output", "approved_by", ("approved_by",), "person", ("id",)),
    _one_of("output", "kind", OutputKind),
    _one_of("output", "state", OutputState),
    Index("ix_output_session", "account_id", "session_id", "id"),
)

output_version = Table(
    "output_version",
    metadata,
    _uuid("account_id"),
    _uuid("output_id"),
    _integer("number"),
    _text("body"),
    _text("made_by"),
    _text("model", null=True),
    _uuid("by_user_id", null=True),
    _time("at"),
    _key("output_version", "output_id", "number"),
    _refers("output_version", "output", ("output_id",), "output", ("id",)),
    _refers("output_version", "by", ("by_user_id",), "person", ("id",)),
    _one_of("output_version", "made_by", Author),
)

suggestion = Table(
    "suggestion",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("session_id"),
    _uuid("branch_id"),
    _text("state"),
    _text("source"),
    _text("kind"),
    _text("content"),
    Column("cites", ARRAY(Uuid), nullable=False),
    _text("reason", null=True),
    _uuid("step_id", null=True),
    _uuid("requested_by"),
    _time("requested_at"),
    _key("suggestion", "id"),
    _refers("suggestion", "branch", ("session_id", "branch_id"), "branch", ("session_id", "id")),
    _refers("suggestion", "step", ("session_id", "step_id"), "step", ("session_id", "id")),
    _refers("suggestion", "requested_by", ("requested_by",), "person", ("id",)),
    _one_of("suggestion", "state", SuggestionState),
    _one_of("suggestion", "kind", StepKind),
    CheckConstraint("(state = 'accepted') = (step_id IS NOT NULL)", name="ck_suggestion_step"),
    Index("ix_suggestion_session", "account_id", "session_id", "id"),
    Index("ix_suggestion_content", "account_id", "content"),
)

token_use = Table(
    "token_use",
    metadata,
    _uuid("account_id"),
    _text("month"),
    Column("tokens", BigInteger, nullable=False),
    _key("token_use", "month"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_token_use_account"),
)
"""What models have used up of an account's tokens in a month, and what is set aside for those that are being asked."""

assessment_feedback = Table(
    "assessment_feedback",
    metadata,
    _uuid("account_id"),
    _uuid("assessment_id"),
    _uuid("user_id"),
    _text("verdict"),
    _text("comment", null=True),
    _time("at"),
    _key("assessment_feedback", "assessment_id", "user_id"),
    _refers("assessment_feedback", "assessment", ("assessment_id",), "assessment", ("id",)),
    _refers("assessment_feedback", "user", ("user_id",), "person", ("id",)),
    _one_of("assessment_feedback", "verdict", FeedbackVerdict),
)
secret = Table(
    "secret",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _text("purpose"),
    Column("sealed", LargeBinary, nullable=False),
    _text("key_id"),
    _time("created_at"),
    _key("secret", "id"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_secret_account"),
)
"""What only the holder of the key can read, sealed by the application."""

webhook = Table(
    "webhook",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _text("name"),
    _text("format"),
    Column("kinds", ARRAY(Text), nullable=False),
    _text("host"),
    _uuid("target"),
    _uuid("secret"),
    _uuid("previous_secret", null=True),
    _time("previous_until", null=True),
    _time("off_at", null=True),
    _text("off_reason", null=True),
    _uuid("created_by"),
    _time("created_at"),
    _key("webhook", "id"),
    _refers("webhook", "target", ("target",), "secret", ("id",)),
    _refers("webhook", "secret", ("secret",), "secret", ("id",)),
    _refers("webhook", "previous_secret", ("previous_secret",), "secret", ("id",)),
    _refers("webhook", "created_by", ("created_by",), "person", ("id",)),
    _one_of("webhook", "format", WebhookFormat),
    CheckConstraint("(off_at IS NULL) = (off_reason IS NULL)", name="ck_webhook_off"),
)

webhook_message = Table(
    "webhook_message",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("webhook_id"),
    _uuid("event_id", null=True),
    _text("kind", null=True),
    _uuid("session_id", null=True),
    _uuid("handoff_id", null=True),
    _text("state"),
    _integer("attempts"),
    _text("reason", null=True),
    _text("last_error", null=True),
    _integer("status", null=True),
    _text("request", null=True),
    _text("response", null=True),
    _time("created_at"),
    _time("updated_at"),
    _key("webhook_message", "id"),
    _refers("webhook_message", "webhook", ("webhook_id",), "webhook", ("id",)),
    _refers("webhook_message", "event", ("event_id",), "event", ("id",)),
    _refers("webhook_message", "session", ("session_id",), "session", ("id",)),
    _refers("webhook_message", "handoff", ("handoff_id",), "handoff", ("id",)),
    _one_of("webhook_message", "state", DeliveryState),
    Index("ix_webhook_message_webhook", "account_id", "webhook_id", "id"),
)
"""What webhooks were sent, with the bodies; secrets are redacted, and a routing key is left out."""
psa_connection = Table(
    "psa_connection",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _integer("version"),
    _text("system"),
    _text("name"),
    _text("base_url"),
    _uuid("secret_id", null=True),
    Column("settings", JSONB, nullable=False),
    Column("noted", ARRAY(Text), nullable=False),
    Column("templates", JSONB, nullable=False),
    Column("summary_public", Boolean, nullable=False),
    Column("changes", JSONB, nullable=False),
    _text("circuit"),
    _integer("failures"),
    _time("rests_until", null=True),
    _text("problem", null=True),
    _time("last_success_at", null=True),
    _time("created_at"),
    _time("updated_at"),
    _time("removed_at", null=True),
    _key("psa_connection", "id"),
    ForeignKeyConstraint(["account_id"], [account.c.account_id], name="fk_psa_connection_account"),
    _one_of("psa_connection", "circuit", Circuit),
    _refers("psa_connection", "secret", ("secret_id",), "secret", ("id",)),
    CheckConstraint("(secret_id IS NULL) = (removed_at IS NOT NULL)", name="ck_psa_connection_secret"),
    Index("uq_psa_connection_system", "account_id", "system", unique=True, postgresql_where=text("removed_at IS NULL")),
)
"""One that was removed stays, without its secret, for the posts that went over it."""

psa_post = Table(
    "psa_post",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("connection_id"),
    _uuid("session_id"),
    _uuid("handoff_id", null=True),
    _text("ticket_id"),
    _text("kind"),
    _uuid("output_id", null=True),
    _integer("output_version", null=True),
    Column("public", Boolean, nullable=False),
    _text("deed"),
    _uuid("by_user_id", null=True),
    _text("state"),
    _text("reason", null=True),
    _integer("attempts"),
    Column("maybe_posted", Boolean, nullable=False),
    _text("last_error", null=True),
    _text("sent", null=True),
    _text("vendor_id", null=True),
    _text("answer", null=True),
    _time("created_at"),
    _time("updated_at"),
    _time("posted_at", null=True),
    _key("psa_post", "id"),
    _refers("psa_post", "connection", ("connection_id",), "psa_connection", ("id",)),
    _refers("psa_post", "session", ("session_id",), "session", ("id",)),
    _refers("psa_post", "handoff", ("handoff_id",), "handoff", ("id",)),
    _refers("psa_post", "output", ("output_id",), "output", ("id",)),
    _refers("psa_post", "by", ("by_user_id",), "person", ("id",)),
    _one_of("psa_post", "kind", NoteKind),
    _one_of("psa_post", "deed", Deed),
    _one_of("psa_post", "state", PostState),
    CheckConstraint("(kind = 'output') = (output_id IS NOT NULL)", name="ck_psa_post_output"),
    CheckConstraint("(output_id IS NULL) = (output_version IS NULL)", name="ck_psa_post_output_version"),
    CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name="ck_psa_post_posted_at"),
    Index(
        "ix_psa_post_to_do",
        "account_id",
        "connection_id",
        "ticket_id",
        "id",
        postgresql_where=text("state IN ('failed', 'pending', 'sending')"),
    ),
)

psa_member = Table(
    "psa_member",
    metadata,
    _uuid("account_id"),
    _uuid("connection_id"),
    _integer("version"),
    _uuid("user_id"),
    _text("email"),
    _text("member_id", null=True),
    _time("good_until"),
    _key("psa_member", "connection_id", "user_id"),
    _refers("psa_member", "connection", ("connection_id",), "psa_connection", ("id",)),
    _refers("psa_member", "user", ("user_id",), "person", ("id",)),
)
"""Who of the account is who in its PSA."""

psa_webhook = Table(
    "psa_webhook",
    metadata,
    _uuid("account_id"),
    _uuid("connection_id"),
    Column("digest", LargeBinary, nullable=False),
    _uuid("secret_id"),
    _time("made_at"),
    _key("psa_webhook", "connection_id"),
    _refers("psa_webhook", "connection", ("connection_id",), "psa_connection", ("id",)),
    _refers("psa_webhook", "secret", ("secret_id",), "secret", ("id",)),
    UniqueConstraint("account_id", "digest", name="uq_psa_webhook_digest"),
)
"""The address that a PSA calls, as a digest."""

psa_ticket = Table(
    "psa_ticket",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _uuid("connection_id"),
    _text("ticket_id"),
    Column("closed", Boolean, nullable=False),
    _key("psa_ticket", "id"),
    _refers("psa_ticket", "connection", ("connection_id",), "psa_connection", ("id",)),
    UniqueConstraint("account_id", "connection_id", "ticket_id", name="uq_psa_ticket_ticket"),
)
"""Tickets that PSAs told of while a session was on them, and whether each was closed when it was last looked at."""

due_work = Table(
    "due_work",
    metadata,
    _uuid("account_id"),
    _uuid("id"),
    _text("kind"),
    _time("due_at"),
    _integer("takes"),
    _uuid("lease_token", null=True),
    _time("lease_until", null=True),
    _key("due_work", "id"),
    CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="ck_due_work_lease"),
    Index("ix_due_work_kind_account_due", "kind", "account_id", "due_at"),
)
"""What is to be done, without content: the one table that the relay's role may read across accounts."""

relay_mark = Table(
    "relay_mark",
    metadata,
    Column("sole", Boolean, nullable=False),
    _uuid("id"),
    Column("number", BigInteger, nullable=False),
    _text("paused_because", null=True),
    PrimaryKeyConstraint("sole", name="pk_relay_mark"),
    CheckConstraint("sole", name="ck_relay_mark_sole"),
    comment="tenancy: one row that says nothing of any account, by which relays notice a restored database",
)
presence = Table(
    "presence",
    metadata,
    _uuid("account_id"),
    _uuid("user_id"),
    _uuid("node_id"),
    _time("until"),
    _key("presence", "user_id", "node_id"),
    _refers("presence", "user", ("user_id",), "person", ("id",)),
)
"""Who has a stream of events open at which process, until when if it says nothing more."""

idempotency_key = Table(
    "idempotency_key",
    metadata,
    _uuid("account_id"),
    _uuid("user_id"),
    _text("key"),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _time("kept_at"),
    _key("idempotency_key", "user_id", "key"),
    _refers("idempotency_key", "user", ("user_id",), "person", ("id",)),
    Index("ix_idempotency_key_kept_at", "account_id", "user_id", "kept_at"),
)
