"""Row security and privileges: what each role may do to each table, as the statements that a migration runs."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT

from .roles import APP, BACKUP, RELAY
from .schema import SCHEMA

SETTING: Final = "flowpilot.account_id"
"""The setting that says, for one transaction, which account it is in."""

OWN_ACCOUNT: Final = f"account_id = nullif(current_setting('{SETTING}', true), '')::uuid"
"""What every policy asks. On a connection that was used before the setting is `''` rather than NULL, which no cast takes."""

APP_MAY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "SELECT, INSERT, UPDATE",
        "event_counter": "SELECT, INSERT, UPDATE",
        "branding": "SELECT, INSERT, UPDATE",
        "team": "SELECT, INSERT, UPDATE",
        "person": "SELECT, INSERT, UPDATE",
        "team_membership": "SELECT, INSERT, DELETE",
        "invitation": "SELECT, INSERT, UPDATE, DELETE",
        "api_token": "SELECT, INSERT, UPDATE",
        "identity_provider": "SELECT, INSERT, UPDATE, DELETE",
        "identity_link": "SELECT, INSERT, DELETE",
        "sign_in_attempt": "SELECT, INSERT, DELETE",
        "sign_in": "SELECT, INSERT, DELETE",
        "sign_in_link": "SELECT, INSERT, DELETE",
        "sign_in_code": "SELECT, INSERT, UPDATE, DELETE",
        "session": "SELECT, INSERT, UPDATE",
        "branch": "SELECT, INSERT, UPDATE",
        "fork_point": "SELECT, INSERT",
        "step": "SELECT, INSERT, UPDATE",
        "picture": "SELECT, INSERT",
        "handoff": "SELECT, INSERT, UPDATE",
        "handoff_snapshot": "SELECT, INSERT",
        "event": "SELECT, INSERT",
        "audit_head": "SELECT, INSERT, UPDATE",
        "audit_entry": "SELECT, INSERT",
        "handoff_seen": "SELECT, INSERT",
        "presence": "SELECT, INSERT, UPDATE, DELETE",
        "handoff_verdict": "SELECT, INSERT, UPDATE",
        "escalation_policy": "SELECT, INSERT, UPDATE",
        "notification_preference": "SELECT, INSERT, UPDATE",
        "policy_run": "SELECT, INSERT, UPDATE",
        "claim_watch": "SELECT, INSERT, UPDATE",
        "step_rating": "SELECT, INSERT, UPDATE",
        "imported_row": "SELECT, INSERT",
        "delivery": "SELECT, INSERT, UPDATE",
        "assessment": "SELECT, INSERT, UPDATE",
        "output": "SELECT, INSERT, UPDATE",
        "output_version": "SELECT, INSERT",
        "suggestion": "SELECT, INSERT, UPDATE",
        "tree_category": "SELECT, INSERT, UPDATE, DELETE",
        "tree": "SELECT, INSERT, UPDATE, DELETE",
        "tree_draft": "SELECT, INSERT, UPDATE, DELETE",
        "tree_revision": "SELECT, INSERT",
        "script_template": "SELECT, INSERT, UPDATE, DELETE",
        "script_template_draft": "SELECT, INSERT, UPDATE, DELETE",
        "script_template_revision": "SELECT, INSERT",
        "template_rating": "SELECT, INSERT, UPDATE, DELETE",
        "search_document": "SELECT, INSERT, UPDATE, DELETE",
        "search_word": "SELECT, INSERT, UPDATE, DELETE",
        "search_spelling": "SELECT, INSERT",
        "tree_proposal": "SELECT, INSERT, UPDATE",
        "tree_proposal_session": "SELECT, INSERT",
        "gallery_entry": "SELECT, INSERT, UPDATE",
        "gallery_tally": "SELECT, INSERT, UPDATE",
        "maintenance_schedule": "SELECT, INSERT, UPDATE, DELETE",
        "maintenance_run": "SELECT, INSERT, UPDATE, DELETE",
        "maintenance_session": "SELECT, INSERT, DELETE",
        "maintenance_notice": "SELECT, INSERT, UPDATE, DELETE",
        "maintenance_calendar": "SELECT, INSERT, UPDATE",
        "token_use": "SELECT, INSERT, UPDATE",
        "assessment_feedback": "SELECT, INSERT, UPDATE",
        "secret": "SELECT, INSERT, UPDATE, DELETE",
        "webhook": "SELECT, INSERT, UPDATE, DELETE",
        "webhook_message": "SELECT, INSERT, UPDATE, DELETE",
        "psa_connection": "SELECT, INSERT, UPDATE",
        "psa_post": "SELECT, INSERT, UPDATE",
        "psa_member": "SELECT, INSERT, UPDATE",
        "psa_webhook": "SELECT, INSERT, UPDATE, DELETE",
        "psa_ticket": "SELECT, INSERT, UPDATE",
        "weekly_digest": "SELECT, INSERT, UPDATE, DELETE",
        "due_work": "SELECT, INSERT, UPDATE, DELETE",
        "idempotency_key": "SELECT, INSERT, UPDATE, DELETE",
    }
)
"""The application's privileges: what is frozen it cannot change, what is logged it cannot take back."""


def protect(table: str) -> Iterator[str]:
    """Closes a table to all but its rows' own account, and gives the application and the backup their privileges on it."""
    yield f"ALTER TABLE {SCHEMA}.{table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY own_account ON {SCHEMA}.{table} USING ({OWN_ACCOUNT}) WITH CHECK ({OWN_ACCOUNT})"
    yield f"GRANT {APP_MAY[table]} ON {SCHEMA}.{table} TO {APP}"
    yield f"GRANT SELECT ON {SCHEMA}.{table} TO {BACKUP}"


def show_platforms(table: str, which: str) -> Iterator[str]:
    """Lets every account read those rows of the platform's of which `which` holds: for reading alone, so that no write ever asks this."""
    yield f"CREATE POLICY platform ON {SCHEMA}.{table} FOR SELECT TO {APP} USING (account_id = '{PLATFORM_ACCOUNT}' AND {which})"
    yield f"COMMENT ON POLICY platform ON {SCHEMA}.{table} IS 'tenancy: what the platform publishes is everybody''s to read'"


def open_to_platform(table: str, key: str) -> Iterator[str]:
    """Says of a foreign key that it may lead to the platform's rows; a check of the table lets it lead to its own account's beside."""
    yield f"COMMENT ON CONSTRAINT {key} ON {SCHEMA}.{table} IS 'tenancy: to the own account or the platform, as a check says'"


def open_due_work_to_relay() -> Iterator[str]:
    """Lets the relay see what is due in all accounts, and hold it; never whose account it is in, when it is due or what it is."""
    yield f"CREATE POLICY relay ON {SCHEMA}.due_work TO {RELAY} USING (true) WITH CHECK (true)"
    yield (
        f"COMMENT ON POLICY relay ON {SCHEMA}.due_work IS"
        " 'tenancy: for the relay alone, which may see ids and times without content and change nothing but the lease'"
    )
    yield f"GRANT SELECT, UPDATE (takes, lease_token, lease_until) ON {SCHEMA}.due_work TO {RELAY}"


def open_relay_mark() -> Iterator[str]:
    """Lets the relay leave its mark, and the backup take it along."""
    yield f"GRANT SELECT, UPDATE ON {SCHEMA}.relay_mark TO {RELAY}"
    yield f"GRANT SELECT ON {SCHEMA}.relay_mark TO {BACKUP}"
