"""Sessions and handoffs say what became of them, so that figures are counted without reading the event log."""

from collections.abc import Sequence

from alembic import op

revision: str = "0036"
down_revision: str | Sequence[str] | None = "0035"
branch_labels = None
depends_on = None

TABLES = ("session", "handoff", "event", "branch", "fork_point")
COLUMNS = (
    """
    ALTER TABLE flowpilot.session
      ADD COLUMN taken_handoff_id uuid,
      ADD COLUMN taken_by uuid,
      ADD COLUMN taken_worked_at timestamptz,
      ADD COLUMN escalations integer NOT NULL DEFAULT 0,
      ADD COLUMN reopenings integer NOT NULL DEFAULT 0,
      ADD COLUMN resolved_at timestamptz,
      ADD COLUMN helped boolean NOT NULL DEFAULT false,
      ADD COLUMN forks integer NOT NULL DEFAULT 0,
      ADD COLUMN dead_ends integer NOT NULL DEFAULT 0,
      ADD CONSTRAINT ck_session_taken CHECK ((taken_handoff_id IS NULL) = (taken_by IS NULL))
    """,
    """
    ALTER TABLE flowpilot.handoff
      ADD COLUMN first_step_at timestamptz,
      ADD COLUMN reroutes integer NOT NULL DEFAULT 0,
      ADD COLUMN lapses integer NOT NULL DEFAULT 0,
      ADD COLUMN unclaims integer NOT NULL DEFAULT 0
    """,
)
COUNTS = (
    """
    UPDATE flowpilot.handoff AS counted SET reroutes = found.reroutes, lapses = found.lapses, unclaims = found.unclaims
    FROM (
      SELECT account_id, handoff_id,
        count(*) FILTER (WHERE kind = 'handoff.rerouted') AS reroutes,
        count(*) FILTER (WHERE kind = 'handoff.lapsed') AS lapses,
        count(*) FILTER (WHERE kind = 'handoff.unclaimed') AS unclaims
      FROM flowpilot.event WHERE kind IN ('handoff.rerouted', 'handoff.lapsed', 'handoff.unclaimed') GROUP BY account_id, handoff_id
    ) AS found
    WHERE counted.account_id = found.account_id AND counted.id = found.handoff_id
    """,
    """
    UPDATE flowpilot.session AS counted
    SET escalations = found.escalations, reopenings = found.reopenings, resolved_at = found.resolved_at, helped = found.helped
    FROM (
      SELECT account_id, session_id,
        count(*) FILTER (WHERE kind = 'handoff.escalated') AS escalations,
        count(*) FILTER (WHERE kind = 'session.reopened') AS reopenings,
        (array_agg(at ORDER BY number DESC) FILTER (WHERE kind = 'session.resolved'))[1] AS resolved_at,
        count(*) FILTER (WHERE kind = 'session.joined') > 0 AS helped
      FROM flowpilot.event WHERE kind IN ('handoff.escalated', 'session.reopened', 'session.resolved', 'session.joined')
      GROUP BY account_id, session_id
    ) AS found
    WHERE counted.account_id = found.account_id AND counted.id = found.session_id
    """,
    """
    UPDATE flowpilot.session AS counted SET forks = found.forks, dead_ends = found.dead_ends
    FROM (
      SELECT account_id, session_id, count(DISTINCT fork_point_id) AS forks, count(*) FILTER (WHERE state = 'dead_end') AS dead_ends
      FROM flowpilot.branch GROUP BY account_id, session_id
    ) AS found
    WHERE counted.account_id = found.account_id AND counted.id = found.session_id
    """,
)
# Of each claim that holds: from its event on, until the session is escalated again or ends, what its claimer did first.
FIRST_STEPS = """
    WITH taken AS MATERIALIZED (
      SELECT handoff.account_id, handoff.session_id, handoff.id, handoff.claimed_by, claimed.number, ended.number AS ended, worked.at
      FROM flowpilot.handoff
      CROSS JOIN LATERAL (
        SELECT max(number) AS number FROM flowpilot.event
        WHERE event.account_id = handoff.account_id AND event.session_id = handoff.session_id
          AND event.handoff_id = handoff.id AND event.kind = 'handoff.claimed'
      ) AS claimed
      CROSS JOIN LATERAL (
        SELECT min(number) AS number FROM flowpilot.event
        WHERE event.account_id = handoff.account_id AND event.session_id = handoff.session_id AND event.number > claimed.number
          AND event.kind IN ('handoff.escalated', 'session.resolved', 'session.abandoned')
      ) AS ended
      LEFT JOIN LATERAL (
        SELECT at FROM flowpilot.event
        WHERE event.account_id = handoff.account_id AND event.session_id = handoff.session_id AND event.number > claimed.number
          AND (ended.number IS NULL OR event.number < ended.number) AND event.by_user_id = handoff.claimed_by
          AND event.kind IN ('step.added', 'step.changed', 'branch.forked', 'branch.activated', 'branch.closed')
        ORDER BY number LIMIT 1
      ) AS worked ON true
      WHERE handoff.state = 'claimed' AND claimed.number IS NOT NULL
    ), worked AS (
      UPDATE flowpilot.handoff SET first_step_at = taken.at FROM taken
      WHERE handoff.account_id = taken.account_id AND handoff.id = taken.id AND taken.at IS NOT NULL
    )
    UPDATE flowpilot.session SET taken_handoff_id = taken.id, taken_by = taken.claimed_by, taken_worked_at = taken.at FROM taken
    WHERE session.account_id = taken.account_id AND session.id = taken.session_id AND taken.ended IS NULL
"""
INDEXES = (
    "CREATE INDEX ix_session_started ON flowpilot.session (account_id, created_at)",
    "CREATE INDEX ix_handoff_escalated ON flowpilot.handoff (account_id, escalated_at) WHERE intent = 'escalate'",
)


def upgrade() -> None:
    """Count what the event log tells."""
    for statement in COLUMNS:
        op.execute(statement)
    # Whoever owns a table is held to its policies too, and no account is set here.
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} NO FORCE ROW LEVEL SECURITY")
    for statement in (*COUNTS, FIRST_STEPS):
        op.execute(statement)
    # An index is not made while deferred checks of the table's rows are to come.
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} FORCE ROW LEVEL SECURITY")
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    """Count nothing."""
    op.execute("DROP INDEX flowpilot.ix_session_started")
    op.execute("DROP INDEX flowpilot.ix_handoff_escalated")
    op.execute("ALTER TABLE flowpilot.handoff DROP COLUMN first_step_at, DROP COLUMN reroutes, DROP COLUMN lapses, DROP COLUMN unclaims")
    op.execute(
        "ALTER TABLE flowpilot.session DROP COLUMN taken_handoff_id, DROP COLUMN taken_by, DROP COLUMN taken_worked_at,"
        " DROP COLUMN escalations, DROP COLUMN reopenings, DROP COLUMN resolved_at, DROP COLUMN helped, DROP COLUMN forks,"
        " DROP COLUMN dead_ends"
    )
