"""What is proposed from what was solved without a tree, or beside one."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0055"
down_revision: str | Sequence[str] | None = "0052"
branch_labels = None
depends_on = None

PLATFORM = "'00000000-0000-0000-0000-000000000001'"
TABLES = (
    f"""
    CREATE TABLE flowpilot.tree_proposal (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      kind text NOT NULL,
      session_id uuid NOT NULL,
      tree_account_id uuid,
      tree_id uuid,
      at_node_id text,
      answer text,
      name text NOT NULL,
      content jsonb NOT NULL,
      state text NOT NULL,
      reason text,
      draft_tree_id uuid,
      created_at timestamptz NOT NULL,
      decided_by uuid,
      decided_at timestamptz,
      CONSTRAINT pk_tree_proposal PRIMARY KEY (account_id, id),
      CONSTRAINT fk_tree_proposal_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id),
      CONSTRAINT fk_tree_proposal_tree FOREIGN KEY (tree_account_id, tree_id) REFERENCES flowpilot.tree (account_id, id),
      CONSTRAINT fk_tree_proposal_draft FOREIGN KEY (account_id, draft_tree_id) REFERENCES flowpilot.tree (account_id, id),
      CONSTRAINT fk_tree_proposal_decided_by FOREIGN KEY (account_id, decided_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_tree_proposal_tree CHECK ((tree_account_id IS NULL) = (tree_id IS NULL)
        AND (tree_account_id IS NULL OR tree_account_id IN (account_id, {PLATFORM}))),
      CONSTRAINT ck_tree_proposal_kind CHECK (kind IN ('new_tree', 'new_branch')),
      CONSTRAINT ck_tree_proposal_state CHECK (state IN ('open', 'accepted', 'rejected')),
      CONSTRAINT ck_tree_proposal_node CHECK ((kind = 'new_branch') = (tree_id IS NOT NULL)
        AND (tree_id IS NULL) = (at_node_id IS NULL) AND (tree_id IS NULL) = (answer IS NULL)),
      CONSTRAINT ck_tree_proposal_decided CHECK ((state = 'open') = (decided_at IS NULL)),
      CONSTRAINT uq_tree_proposal_node UNIQUE (account_id, tree_account_id, tree_id, at_node_id),
      CONSTRAINT uq_tree_proposal_kind UNIQUE (account_id, id, kind)
    )
    """,
    """
    CREATE TABLE flowpilot.tree_proposal_session (
      account_id uuid NOT NULL,
      proposal_id uuid NOT NULL,
      session_id uuid NOT NULL,
      kind text NOT NULL,
      CONSTRAINT pk_tree_proposal_session PRIMARY KEY (account_id, proposal_id, session_id),
      CONSTRAINT fk_tree_proposal_session_proposal FOREIGN KEY (account_id, proposal_id, kind)
        REFERENCES flowpilot.tree_proposal (account_id, id, kind),
      CONSTRAINT fk_tree_proposal_session_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_tree_proposal_session_tree ON flowpilot.tree_proposal_session (account_id, session_id)
      WHERE kind = 'new_tree'
    """,
)


def upgrade() -> None:
    """Nothing is proposed yet."""
    for statement in (
        *TABLES,
        *policies.protect("tree_proposal"),
        *policies.open_to_platform("tree_proposal", "fk_tree_proposal_tree"),
        *policies.protect("tree_proposal_session"),
    ):
        op.execute(statement)


def downgrade() -> None:
    """Forget what is proposed."""
    for table in ("tree_proposal_session", "tree_proposal"):
        op.execute(f"DROP TABLE flowpilot.{table}")
