"""The tables of sessions, handoffs, events and deliveries.

Plain SQL, so that it stays what it was however the program's own tables go on.
"""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies, roles

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels = None
depends_on = None

TABLES = (
    "account",
    "event_counter",
    "team",
    "person",
    "team_membership",
    "api_token",
    "session",
    "branch",
    "fork_point",
    "step",
    "handoff",
    "handoff_snapshot",
    "event",
    "delivery",
    "due_work",
    "idempotency_key",
)

CREATE = (
    """
    CREATE TABLE flowpilot.account (
      account_id uuid NOT NULL,
      name text NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_account PRIMARY KEY (account_id)
    )
    """,
    """
    CREATE TABLE flowpilot.event_counter (
      account_id uuid NOT NULL,
      number bigint NOT NULL,
      CONSTRAINT pk_event_counter PRIMARY KEY (account_id)
    ) WITH (fillfactor = 10)
    """,
    """
    CREATE TABLE flowpilot.team (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      name text NOT NULL,
      CONSTRAINT pk_team PRIMARY KEY (account_id, id),
      CONSTRAINT uq_team_name UNIQUE (account_id, name)
    )
    """,
    """
    CREATE TABLE flowpilot.person (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      email text NOT NULL,
      folded_email text NOT NULL,
      name text NOT NULL,
      role text NOT NULL,
      deactivated_at timestamptz,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_person PRIMARY KEY (account_id, id),
      CONSTRAINT uq_person_email UNIQUE (account_id, folded_email),
      CONSTRAINT ck_person_role CHECK (role IN ('owner', 'admin', 'engineer', 'viewer'))
    )
    """,
    """
    CREATE TABLE flowpilot.team_membership (
      account_id uuid NOT NULL,
      user_id uuid NOT NULL,
      team_id uuid NOT NULL,
      CONSTRAINT pk_team_membership PRIMARY KEY (account_id, user_id, team_id)
    )
    """,
    """
    CREATE TABLE flowpilot.api_token (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      digest bytea NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_api_token PRIMARY KEY (account_id, id),
      CONSTRAINT uq_api_token_digest UNIQUE (account_id, digest)
    )
    """,
    """
    CREATE TABLE flowpilot.session (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      version integer NOT NULL,
      status text NOT NULL,
      title text NOT NULL,
      problem text NOT NULL,
      client_name text,
      ticket_system text,
      ticket_id text,
      priority text NOT NULL,
      team_id uuid,
      assignee_id uuid NOT NULL,
      parked_with uuid[] NOT NULL,
      active_branch_id uuid NOT NULL,
      step_count integer NOT NULL,
      resolution_summary text,
      resolution_root_cause text,
      escalation_package jsonb,
      latest_handoff_id uuid,
      created_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT pk_session PRIMARY KEY (account_id, id),
      CONSTRAINT ck_session_status CHECK (status IN ('active', 'parked', 'escalated', 'resolved', 'abandoned')),
      CONSTRAINT ck_session_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
      CONSTRAINT ck_session_ticket CHECK ((ticket_system IS NULL) = (ticket_id IS NULL)),
      CONSTRAINT ck_session_parked_with CHECK (status = 'parked' OR parked_with = '{}'),
      CONSTRAINT ck_session_resolution CHECK (resolution_summary IS NOT NULL OR resolution_root_cause IS NULL)
    )
    """,
    "CREATE INDEX ix_session_assignee ON flowpilot.session (account_id, assignee_id, id)",
    """
    CREATE TABLE flowpilot.branch (
      account_id uuid NOT NULL,
      session_id uuid NOT NULL,
      id uuid NOT NULL,
      number integer NOT NULL,
      parent_id uuid,
      fork_point_id uuid,
      label text NOT NULL,
      hypothesis text,
      state text NOT NULL,
      close_reason text,
      created_at timestamptz NOT NULL,
      closed_at timestamptz,
      CONSTRAINT pk_branch PRIMARY KEY (account_id, session_id, id),
      CONSTRAINT ck_branch_state CHECK (state IN ('open', 'solved', 'dead_end', 'abandoned')),
      CONSTRAINT ck_branch_fork CHECK ((parent_id IS NULL) = (fork_point_id IS NULL)),
      CONSTRAINT ck_branch_closed_at CHECK ((state = 'open') = (closed_at IS NULL))
    )
    """,
    """
    CREATE TABLE flowpilot.fork_point (
      account_id uuid NOT NULL,
      session_id uuid NOT NULL,
      id uuid NOT NULL,
      branch_id uuid NOT NULL,
      at_step_id uuid NOT NULL,
      at_step_number integer NOT NULL,
      reason text NOT NULL,
      created_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_fork_point PRIMARY KEY (account_id, session_id, id)
    )
    """,
    """
    CREATE TABLE flowpilot.step (
      account_id uuid NOT NULL,
      session_id uuid NOT NULL,
      id uuid NOT NULL,
      branch_id uuid NOT NULL,
      number integer NOT NULL,
      kind text NOT NULL,
      content text NOT NULL,
      result text,
      evidence text,
      created_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT pk_step PRIMARY KEY (account_id, session_id, id),
      CONSTRAINT uq_step_number UNIQUE (account_id, session_id, number),
      CONSTRAINT ck_step_kind CHECK (kind IN ('question', 'action', 'observation', 'script', 'note')),
      CONSTRAINT ck_step_result CHECK (result IN ('worked', 'failed', 'inconclusive'))
    )
    """,
    """
    CREATE TABLE flowpilot.handoff (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      version integer NOT NULL,
      session_id uuid NOT NULL,
      intent text NOT NULL,
      state text NOT NULL,
      reason text NOT NULL,
      note text,
      priority text NOT NULL,
      queue_rank smallint NOT NULL,
      team_id uuid,
      user_id uuid,
      escalated_by uuid NOT NULL,
      escalated_at timestamptz NOT NULL,
      claimed_by uuid,
      claimed_at timestamptz,
      claim_step_count integer,
      claim_branch_count integer,
      readers uuid[] NOT NULL,
      snapshot_digest text NOT NULL,
      title text NOT NULL,
      client_name text,
      ticket_system text,
      ticket_id text,
      headline text NOT NULL,
      branch_count integer NOT NULL,
      step_count integer NOT NULL,
      CONSTRAINT pk_handoff PRIMARY KEY (account_id, id),
      CONSTRAINT ck_handoff_intent CHECK (intent IN ('park', 'escalate')),
      CONSTRAINT ck_handoff_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
      CONSTRAINT ck_handoff_state CHECK (
        intent = 'park' AND state IN ('open', 'resumed') OR intent = 'escalate' AND state IN ('claimed', 'open', 'withdrawn')
      ),
      CONSTRAINT ck_handoff_claim CHECK (
        (state = 'claimed') = (claimed_by IS NOT NULL)
        AND num_nulls(claimed_by, claimed_at, claim_step_count, claim_branch_count) IN (0, 4)
      ),
      CONSTRAINT ck_handoff_ticket CHECK ((ticket_system IS NULL) = (ticket_id IS NULL)),
      CONSTRAINT ck_handoff_readers CHECK (intent = 'park' OR readers = '{}')
    )
    """,
    """
    CREATE INDEX ix_handoff_queue ON flowpilot.handoff (account_id, queue_rank, escalated_at, id)
    WHERE state = 'open' AND intent = 'escalate'
    """,
    "CREATE INDEX ix_handoff_session ON flowpilot.handoff (account_id, session_id)",
    """
    CREATE TABLE flowpilot.handoff_snapshot (
      account_id uuid NOT NULL,
      handoff_id uuid NOT NULL,
      body bytea NOT NULL,
      CONSTRAINT pk_handoff_snapshot PRIMARY KEY (account_id, handoff_id)
    )
    """,
    """
    CREATE TABLE flowpilot.event (
      account_id uuid NOT NULL,
      number bigint NOT NULL,
      kind text NOT NULL,
      at timestamptz NOT NULL,
      by_user_id uuid,
      cause text,
      request_id text,
      session_id uuid NOT NULL,
      handoff_id uuid,
      private boolean NOT NULL,
      changed jsonb NOT NULL,
      CONSTRAINT pk_event PRIMARY KEY (account_id, number),
      CONSTRAINT ck_event_private CHECK (handoff_id IS NOT NULL OR NOT private)
    )
    """,
    "CREATE INDEX ix_event_session ON flowpilot.event (account_id, session_id, number)",
    """
    CREATE TABLE flowpilot.delivery (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      handoff_id uuid NOT NULL,
      user_id uuid NOT NULL,
      channel text NOT NULL,
      state text NOT NULL,
      reason text,
      attempts integer NOT NULL,
      last_error text,
      message_id text,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT pk_delivery PRIMARY KEY (account_id, id),
      CONSTRAINT ck_delivery_channel CHECK (channel IN ('email')),
      CONSTRAINT ck_delivery_state CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'dead', 'suppressed'))
    )
    """,
    "CREATE INDEX ix_delivery_handoff ON flowpilot.delivery (account_id, handoff_id, id)",
    """
    CREATE TABLE flowpilot.due_work (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      kind text NOT NULL,
      due_at timestamptz NOT NULL,
      takes integer NOT NULL,
      lease_token uuid,
      lease_until timestamptz,
      CONSTRAINT pk_due_work PRIMARY KEY (account_id, id),
      CONSTRAINT ck_due_work_lease CHECK ((lease_token IS NULL) = (lease_until IS NULL))
    )
    """,
    "CREATE INDEX ix_due_work_account_due ON flowpilot.due_work (account_id, due_at)",
    """
    CREATE TABLE flowpilot.idempotency_key (
      account_id uuid NOT NULL,
      user_id uuid NOT NULL,
      key text NOT NULL,
      fingerprint bytea NOT NULL,
      status smallint NOT NULL,
      body bytea NOT NULL,
      kept_at timestamptz NOT NULL,
      CONSTRAINT pk_idempotency_key PRIMARY KEY (account_id, user_id, key)
    )
    """,
    "CREATE INDEX ix_idempotency_key_kept_at ON flowpilot.idempotency_key (account_id, user_id, kept_at)",
)

CONNECT = (
    """
    ALTER TABLE flowpilot.event_counter
    ADD CONSTRAINT fk_event_counter_account FOREIGN KEY (account_id)
    REFERENCES flowpilot.account (account_id)
    """,
    """
    ALTER TABLE flowpilot.team
    ADD CONSTRAINT fk_team_account FOREIGN KEY (account_id)
    REFERENCES flowpilot.account (account_id)
    """,
    """
    ALTER TABLE flowpilot.person
    ADD CONSTRAINT fk_person_account FOREIGN KEY (account_id)
    REFERENCES flowpilot.account (account_id)
    """,
    """
    ALTER TABLE flowpilot.team_membership
    ADD CONSTRAINT fk_team_membership_team FOREIGN KEY (account_id, team_id)
    REFERENCES flowpilot.team (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.team_membership
    ADD CONSTRAINT fk_team_membership_user FOREIGN KEY (account_id, user_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.api_token
    ADD CONSTRAINT fk_api_token_user FOREIGN KEY (account_id, user_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.session
    ADD CONSTRAINT fk_session_active_branch FOREIGN KEY (account_id, id, active_branch_id)
    REFERENCES flowpilot.branch (account_id, session_id, id) DEFERRABLE INITIALLY DEFERRED
    """,
    """
    ALTER TABLE flowpilot.session
    ADD CONSTRAINT fk_session_assignee FOREIGN KEY (account_id, assignee_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.session
    ADD CONSTRAINT fk_session_created_by FOREIGN KEY (account_id, created_by)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.session
    ADD CONSTRAINT fk_session_latest_handoff FOREIGN KEY (account_id, latest_handoff_id)
    REFERENCES flowpilot.handoff (account_id, id) DEFERRABLE INITIALLY DEFERRED
    """,
    """
    ALTER TABLE flowpilot.session
    ADD CONSTRAINT fk_session_team FOREIGN KEY (account_id, team_id)
    REFERENCES flowpilot.team (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.branch
    ADD CONSTRAINT fk_branch_fork_point FOREIGN KEY (account_id, session_id, fork_point_id)
    REFERENCES flowpilot.fork_point (account_id, session_id, id) DEFERRABLE INITIALLY DEFERRED
    """,
    """
    ALTER TABLE flowpilot.branch
    ADD CONSTRAINT fk_branch_parent FOREIGN KEY (account_id, session_id, parent_id)
    REFERENCES flowpilot.branch (account_id, session_id, id)
    """,
    """
    ALTER TABLE flowpilot.branch
    ADD CONSTRAINT fk_branch_session FOREIGN KEY (account_id, session_id)
    REFERENCES flowpilot.session (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.fork_point
    ADD CONSTRAINT fk_fork_point_branch FOREIGN KEY (account_id, session_id, branch_id)
    REFERENCES flowpilot.branch (account_id, session_id, id)
    """,
    """
    ALTER TABLE flowpilot.fork_point
    ADD CONSTRAINT fk_fork_point_created_by FOREIGN KEY (account_id, created_by)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.fork_point
    ADD CONSTRAINT fk_fork_point_step FOREIGN KEY (account_id, session_id, at_step_id)
    REFERENCES flowpilot.step (account_id, session_id, id)
    """,
    """
    ALTER TABLE flowpilot.step
    ADD CONSTRAINT fk_step_branch FOREIGN KEY (account_id, session_id, branch_id)
    REFERENCES flowpilot.branch (account_id, session_id, id)
    """,
    """
    ALTER TABLE flowpilot.step
    ADD CONSTRAINT fk_step_created_by FOREIGN KEY (account_id, created_by)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.handoff
    ADD CONSTRAINT fk_handoff_claimed_by FOREIGN KEY (account_id, claimed_by)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.handoff
    ADD CONSTRAINT fk_handoff_escalated_by FOREIGN KEY (account_id, escalated_by)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.handoff
    ADD CONSTRAINT fk_handoff_session FOREIGN KEY (account_id, session_id)
    REFERENCES flowpilot.session (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.handoff
    ADD CONSTRAINT fk_handoff_team FOREIGN KEY (account_id, team_id)
    REFERENCES flowpilot.team (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.handoff
    ADD CONSTRAINT fk_handoff_user FOREIGN KEY (account_id, user_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.handoff_snapshot
    ADD CONSTRAINT fk_handoff_snapshot_handoff FOREIGN KEY (account_id, handoff_id)
    REFERENCES flowpilot.handoff (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.event
    ADD CONSTRAINT fk_event_by FOREIGN KEY (account_id, by_user_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.event
    ADD CONSTRAINT fk_event_handoff FOREIGN KEY (account_id, handoff_id)
    REFERENCES flowpilot.handoff (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.event
    ADD CONSTRAINT fk_event_session FOREIGN KEY (account_id, session_id)
    REFERENCES flowpilot.session (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.delivery
    ADD CONSTRAINT fk_delivery_handoff FOREIGN KEY (account_id, handoff_id)
    REFERENCES flowpilot.handoff (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.delivery
    ADD CONSTRAINT fk_delivery_user FOREIGN KEY (account_id, user_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
    """
    ALTER TABLE flowpilot.idempotency_key
    ADD CONSTRAINT fk_idempotency_key_user FOREIGN KEY (account_id, user_id)
    REFERENCES flowpilot.person (account_id, id)
    """,
)

REFUSE = (
    """
    CREATE FUNCTION flowpilot.refuse(code text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'refused';
    END
    $$
    """,
    "REVOKE ALL ON FUNCTION flowpilot.refuse(text) FROM PUBLIC",
    f"GRANT EXECUTE ON FUNCTION flowpilot.refuse(text) TO {roles.APP}",
)
"""How a statement that was sent together with its commit says, having found no row, that the whole must not be."""

VERSION_TABLE = (
    "COMMENT ON TABLE flowpilot.alembic_version IS 'tenancy: the revision of the schema, which is no account''s and no secret'",
    f"GRANT SELECT ON flowpilot.alembic_version TO {roles.APP}, {roles.RELAY}, {roles.BACKUP}",
)

PLATFORM = (
    "SELECT set_config('flowpilot.account_id', '00000000-0000-0000-0000-000000000001', true)",
    "INSERT INTO flowpilot.account (account_id, name, created_at) VALUES ('00000000-0000-0000-0000-000000000001', 'FlowPilot', now())",
    "INSERT INTO flowpilot.event_counter (account_id, number) VALUES ('00000000-0000-0000-0000-000000000001', 0)",
)
"""The account that owns what everyone may read."""


def upgrade() -> None:
    """Make the tables, each closed to all but its own account, and the platform's account."""
    for statement in (*CREATE, *CONNECT, *REFUSE, *VERSION_TABLE):
        op.execute(statement)
    for table in TABLES:
        for statement in policies.protect(table):
            op.execute(statement)
    for statement in (*policies.open_due_work_to_relay(), *PLATFORM):
        op.execute(statement)


def downgrade() -> None:
    """Drop everything but the record of revisions."""
    op.execute(f"DROP TABLE {', '.join(f'flowpilot.{table}' for table in TABLES)}")
    op.execute("DROP FUNCTION flowpilot.refuse(text)")
