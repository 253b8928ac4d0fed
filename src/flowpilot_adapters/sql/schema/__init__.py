"""The tables, all in the schema `flowpilot`.

Every primary key, unique key and foreign key begins with `account_id`, so that no row can point across accounts or tell of another's,
even where all code is wrong. Ids are made by the application and numbers come from locked rows: a sequence would tell how much
others write.
"""

from .base import SCHEMA, metadata
from .handoffs import assessment, assessment_feedback, handoff, handoff_seen, handoff_snapshot, handoff_verdict, token_use
from .people import (
    account,
    api_token,
    audit_entry,
    audit_head,
    event_counter,
    identity_link,
    identity_provider,
    invitation,
    person,
    sign_in,
    sign_in_attempt,
    sign_in_code,
    sign_in_link,
    team,
    team_membership,
)
from .psa import psa_connection, psa_member, psa_post, psa_ticket, psa_webhook
from .sessions import branch, event, fork_point, output, output_version, session, step, step_rating, suggestion
from .telling import claim_watch, delivery, escalation_policy, notification_preference, policy_run, presence, webhook, webhook_message
from .work import due_work, idempotency_key, imported_row, relay_mark, secret

__all__ = [
    "SCHEMA",
    "account",
    "api_token",
    "assessment",
    "assessment_feedback",
    "audit_entry",
    "audit_head",
    "branch",
    "claim_watch",
    "delivery",
    "due_work",
    "escalation_policy",
    "event",
    "event_counter",
    "fork_point",
    "handoff",
    "handoff_seen",
    "handoff_snapshot",
    "handoff_verdict",
    "idempotency_key",
    "identity_link",
    "identity_provider",
    "imported_row",
    "invitation",
    "metadata",
    "notification_preference",
    "output",
    "output_version",
    "person",
    "policy_run",
    "presence",
    "psa_connection",
    "psa_member",
    "psa_post",
    "psa_ticket",
    "psa_webhook",
    "relay_mark",
    "secret",
    "session",
    "sign_in",
    "sign_in_attempt",
    "sign_in_code",
    "sign_in_link",
    "step",
    "step_rating",
    "suggestion",
    "team",
    "team_membership",
    "token_use",
    "webhook",
    "webhook_message",
]
