"""The tables, all in the schema `flowpilot`.

Every primary key, unique key and foreign key begins with `account_id`, so that no row can point across accounts or tell of another's,
even where all code is wrong. Ids are made by the application and numbers come from locked rows: a sequence would tell how much
others write.
"""

from .access import (
    account,
    api_token,
    audit_entry,
    audit_head,
    branding,
    identity_link,
    identity_provider,
    invitation,
    person,
    secret,
    sign_in,
    sign_in_attempt,
    sign_in_code,
    sign_in_link,
    team,
    team_membership,
)
from .assistant import assessment, assessment_feedback, suggestion, token_use
from .columns import SCHEMA, metadata
from .handoffs import claim_watch, handoff, handoff_seen, handoff_snapshot, handoff_verdict
from .insights import search_document, search_spelling, search_word, weekly_digest
from .kernel import event, event_counter, idempotency_key
from .knowledge import (
    gallery_entry,
    gallery_tally,
    script_template,
    script_template_draft,
    script_template_revision,
    template_rating,
    tree,
    tree_category,
    tree_draft,
    tree_proposal,
    tree_proposal_session,
    tree_revision,
)
from .maintenance import maintenance_calendar, maintenance_notice, maintenance_run, maintenance_schedule, maintenance_session
from .notifications import delivery, escalation_policy, notification_preference, policy_run, presence, webhook, webhook_message
from .outputs import output, output_version
from .psa import psa_connection, psa_member, psa_post, psa_ticket, psa_webhook
from .relay import due_work, relay_mark
from .replay import imported_row
from .sessions import branch, fork_point, picture, session, step, step_rating

__all__ = [
    "SCHEMA",
    "account",
    "api_token",
    "assessment",
    "assessment_feedback",
    "audit_entry",
    "audit_head",
    "branch",
    "branding",
    "claim_watch",
    "delivery",
    "due_work",
    "escalation_policy",
    "event",
    "event_counter",
    "fork_point",
    "gallery_entry",
    "gallery_tally",
    "handoff",
    "handoff_seen",
    "handoff_snapshot",
    "handoff_verdict",
    "idempotency_key",
    "identity_link",
    "identity_provider",
    "imported_row",
    "invitation",
    "maintenance_calendar",
    "maintenance_notice",
    "maintenance_run",
    "maintenance_schedule",
    "maintenance_session",
    "metadata",
    "notification_preference",
    "output",
    "output_version",
    "person",
    "picture",
    "policy_run",
    "presence",
    "psa_connection",
    "psa_member",
    "psa_post",
    "psa_ticket",
    "psa_webhook",
    "relay_mark",
    "script_template",
    "script_template_draft",
    "script_template_revision",
    "search_document",
    "search_spelling",
    "search_word",
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
    "template_rating",
    "token_use",
    "tree",
    "tree_category",
    "tree_draft",
    "tree_proposal",
    "tree_proposal_session",
    "tree_revision",
    "webhook",
    "webhook_message",
    "weekly_digest",
]
