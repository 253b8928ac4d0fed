"""Posts say how many minutes they enter, and assessments how much they cite; both, and suggestions, are found by when they were made."""

from collections.abc import Sequence

from alembic import op

revision: str = "0052"
down_revision: str | Sequence[str] | None = "0050"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_psa_post_made", "psa_post", "created_at"),
    ("ix_assessment_asked", "assessment", "requested_at"),
    ("ix_suggestion_asked", "suggestion", "requested_at"),
)


TABLES = ("psa_post", "assessment")
COUNTED = (
    "UPDATE flowpilot.psa_post SET minutes = substring(sent FROM '^([0-9]{1,9}) minutes of ')::integer WHERE action = 'time_entry'",
    """
    UPDATE flowpilot.assessment SET
      cited = (
        SELECT count(*)
        FROM unnest(ARRAY['$.*[*].cites[*]', '$.likely_causes[*].for[*]', '$.likely_causes[*].against[*]']::jsonpath[]) AS path,
          jsonb_path_query(body, path)
      ),
      dropped = (body ->> 'dropped_citations')::integer
    WHERE body IS NOT NULL
    """,
)


def upgrade() -> None:
    """Have them say it, and read what earlier ones come to from what they say."""
    op.execute("ALTER TABLE flowpilot.psa_post ADD COLUMN minutes integer")
    op.execute(
        "ALTER TABLE flowpilot.assessment ADD COLUMN cited integer NOT NULL DEFAULT 0, ADD COLUMN dropped integer NOT NULL DEFAULT 0"
    )
    # Whoever owns a table is held to its policies too, and no account is set here.
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} NO FORCE ROW LEVEL SECURITY")
    for statement in COUNTED:
        op.execute(statement)
    # An index is not made while deferred checks of the table's rows are to come.
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} FORCE ROW LEVEL SECURITY")
    for name, table, column in INDEXES:
        op.execute(f"CREATE INDEX {name} ON flowpilot.{table} (account_id, {column})")


def downgrade() -> None:
    """Have them say nothing."""
    for name, _, _ in INDEXES:
        op.execute(f"DROP INDEX flowpilot.{name}")
    op.execute("ALTER TABLE flowpilot.assessment DROP COLUMN cited, DROP COLUMN dropped")
    op.execute("ALTER TABLE flowpilot.psa_post DROP COLUMN minutes")
