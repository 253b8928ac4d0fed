"""Examples for the OpenAPI document: one story, told by its requests and answers. A test holds each to its schema."""

from collections.abc import Mapping
from typing import Any, Final

_SESSION: Final = "01998c2e-7a10-7000-8000-000000000001"
_ROOT: Final = "01998c2e-7a10-7000-8000-000000000002"
_STEP: Final = "01998c2e-7a10-7000-8000-000000000003"
_POLICY: Final = "01998c2e-7a10-7000-8000-000000000004"
_PROFILE: Final = "01998c2e-7a10-7000-8000-000000000005"
_FORK: Final = "01998c2e-7a10-7000-8000-000000000006"
_HANDOFF: Final = "01998c2e-7a10-7000-8000-000000000007"
_DELIVERY: Final = "01998c2e-7a10-7000-8000-000000000008"
_TEAM: Final = "01998c2e-7a10-7000-8000-00000000000e"
_JUNIOR: Final = {"id": "01998c2e-7a10-7000-8000-00000000000a", "name": "Jo Junior"}
_SENIOR: Final = {"id": "01998c2e-7a10-7000-8000-00000000000b", "name": "Sam Senior"}
_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_AT: Final = "2026-11-24T08:30:00Z"
_LATER: Final = "2026-11-24T09:05:00Z"
_TICKET: Final = {"system": "connectwise", "id": "48211"}

_account: Final = {
    "id": "01998c2e-7a10-7000-8000-00000000000c",
    "name": "Acme IT",
    "created_at": _AT,
    "redacts_personal": False,
    "mails_a_minute": 5,
}
_root: Final = {
    "id": _ROOT,
    "parent_id": None,
    "fork_point_id": None,
    "label": "root",
    "hypothesis": None,
    "state": "open",
    "close_reason": None,
    "created_at": _AT,
    "closed_at": None,
}
_policy: Final = {
    **_root,
    "id": _POLICY,
    "parent_id": _ROOT,
    "fork_point_id": _FORK,
    "label": "Conditional access",
    "hypothesis": "A policy of last night blocks legacy sign-in.",
}
_profile: Final = {**_policy, "id": _PROFILE, "label": "Profile", "hypothesis": "The Outlook profile is damaged."}
_step: Final = {
    "id": _STEP,
    "branch_id": _ROOT,
    "number": 1,
    "kind": "action",
    "content": "Removed the cached credentials and signed in again",
    "result": "failed",
    "evidence": "AADSTS50126: invalid username or password",
    "created_by": _JUNIOR,
    "created_at": _AT,
    "updated_at": _AT,
}
_fork: Final = {
    "id": _FORK,
    "branch_id": _ROOT,
    "at_step_id": _STEP,
    "reason": "Two explanations fit",
    "branch_ids": [_POLICY, _PROFILE],
    "created_by": _JUNIOR,
    "created_at": _AT,
}
_listed: Final = {
    "id": _SESSION,
    "version": 4,
    "status": "escalated",
    "title": "Outlook asks for a password again and again",
    "problem": "Since this morning, on two machines of the front desk.",
    "client_name": "Lakeside Dental",
    "ticket": _TICKET,
    "priority": "high",
    "team_id": None,
    "assignee_id": _JUNIOR["id"],
    "helper_ids": [],
    "created_by": _JUNIOR,
    "created_at": _AT,
    "updated_at": _LATER,
    "active_branch_id": _POLICY,
}
_in_session: Final = {
    "id": _HANDOFF,
    "version": 1,
    "session_id": _SESSION,
    "intent": "escalate",
    "state": "open",
    "reason": "Out of ideas; the client waits",
    "note": "Ask for Petra on the phone",
    "priority": "high",
    "team_id": None,
    "user_id": None,
    "escalated_by": _JUNIOR,
    "escalated_at": _LATER,
    "claimed_by": None,
    "claimed_at": None,
    "wake_at": None,
    "due_at": None,
    "snapshot_digest": _DIGEST,
}
_package: Final = {
    "handoff_id": _HANDOFF,
    "reason": "Out of ideas; the client waits",
    "note": "Ask for Petra on the phone",
    "summary": "1 steps tried: 0 worked, 1 failed, 0 without a clear result. Open: Conditional access, Profile.",
    "steps_tried": [{"id": _STEP, "kind": "action", "content": _step["content"], "result": "failed"}],
    "assessment": None,
    "escalated_at": _LATER,
    "escalated_by": _JUNIOR,
}
_facts: Final = {
    "title": _listed["title"],
    "status": "In Progress",
    "closed": False,
    "client_name": "Lakeside Dental",
    "contact_name": "Petra Lake",
    "priority": "Priority 2",
    "notes": [{"text": "Called in the morning", "by": "Petra Lake", "at": _AT, "internal": False}],
}
_session: Final = {
    **_listed,
    "ticket_facts": {**_facts, "read_at": _LATER},
    "resolution": None,
    "debrief": None,
    "escalation_package": _package,
    "branches": [_root, _policy, _profile],
    "fork_points": [_fork],
    "steps": [_step],
    "handoffs": [_in_session],
}
_active: Final = {**_session, "version": 5, "status": "active"}
_new: Final = {
    **_session,
    "version": 1,
    "status": "active",
    "updated_at": _AT,
    "active_branch_id": _ROOT,
    "escalation_package": None,
    "branches": [_root],
    "fork_points": [],
    "steps": [],
    "handoffs": [],
}
_assessed: Final = "01998c2e-7a10-7000-8000-00000000000c"
_connection: Final = {
    "id": "01998c2e-7a10-7000-8000-00000000000c",
    "version": 1,
    "system": "halopsa",
    "name": "Help desk",
    "base_url": "https://acme.halopsa.com",
    "settings": {"outcome_id": 7, "notes": {"escalated": True, "claimed": True, "resolved": True, "parked": False}, "templates": {}},
    "circuit": "closed",
    "rests_until": None,
    "problem": None,
    "last_success_at": _LATER,
    "created_at": _AT,
    "updated_at": _AT,
}
_post: Final = {
    "id": "01998c2e-7a10-7000-8000-00000000000d",
    "connection_id": _connection["id"],
    "handoff_id": _HANDOFF,
    "session_id": _SESSION,
    "ticket_id": "48211",
    "kind": "claimed",
    "state": "posted",
    "reason": None,
    "attempts": 1,
    "last_error": None,
    "vendor_id": "12",
    "sent": "Sam Senior took over.",
    "answer": '201 {"id": 12}',
    "created_at": _LATER,
    "posted_at": _LATER,
}
_assessment: Final[dict[str, Any]] = {
    "id": _assessed,
    "state": "ready",
    "provider": "rules",
    "model": None,
    "snapshot_digest": _DIGEST,
    "made_at": "2026-11-24T09:05:01Z",
    "headline": "The password is wrong or has expired (medium); 1 of 1 tries failed",
    "summary": [
        {"text": "1 try in 3 lines of work: 0 worked, 1 failed.", "cites": [_STEP]},
        {"text": "The evidence names errors: AADSTS50126 (step 1).", "cites": [_STEP]},
    ],
    "likely_causes": [{"cause": "The password is wrong or has expired", "confidence": "medium", "for": [_STEP], "against": []}],
    "ruled_out": [],
    "next_steps": [
        {
            "text": "Sign in once in a private browser window with the password typed in: the same refusal there confirms it.",
            "cites": [_STEP],
        }
    ],
    "questions": [{"text": "Has the password been changed lately?", "cites": [], "unsupported": True}],
    "risk": None,
    "dropped_citations": 0,
    "problem": None,
}
_suggestion: Final = {
    "id": "01998c2e-7a10-7000-8000-00000000000d",
    "branch_id": _POLICY,
    "state": "proposed",
    "kind": "action",
    "content": "Read the sign-in log of one attempt: which policy failed. A failed policy there confirms it; none rules it out.",
    "cites": [_STEP],
    "reason": None,
    "step_id": None,
}
_pending: Final[dict[str, Any]] = {
    **_assessment,
    "state": "pending",
    "provider": None,
    "made_at": None,
    "headline": None,
    **{sort: [] for sort in ("summary", "likely_causes", "ruled_out", "next_steps", "questions")},
}
_judged: Final = {
    **_assessment,
    "requested_by": None,
    "requested_at": _LATER,
    "prompt_version": "rules-1",
    "tokens_in": 0,
    "tokens_out": 0,
    "cost_micros": None,
    "latency_ms": 0,
    "feedback": [{"by": _SENIOR, "verdict": "useful", "comment": None, "at": "2026-11-24T09:20:00Z"}],
}
_handoff: Final = {
    **_in_session,
    "assessment": _assessment,
    "chain": [],
    "told": {"people": 3, "sent": 3, "seen": 0, "refused": 0, "off_duty": 0},
}
_claimed: Final = {**_handoff, "version": 2, "state": "claimed", "claimed_by": _SENIOR, "claimed_at": "2026-11-24T09:06:10Z"}
_entry: Final = {
    "number": 17,
    "kind": "handoff.claimed",
    "at": "2026-11-24T09:06:10Z",
    "by": _SENIOR,
    "cause": None,
    "session_id": _SESSION,
    "handoff_id": _HANDOFF,
    "changed": {"state": "claimed", "assignee_id": _SENIOR["id"]},
}
_queued: Final = {
    "handoff_id": _HANDOFF,
    "session_id": _SESSION,
    "title": _listed["title"],
    "client_name": "Lakeside Dental",
    "ticket": _TICKET,
    "reason": "Out of ideas; the client waits",
    "priority": "high",
    "escalated_by": _JUNIOR,
    "team_id": None,
    "user_id": None,
    "escalated_at": _LATER,
    "waiting_seconds": 42,
    "due_at": None,
    "headline": "1 of 1 tries failed; open: Conditional access and 1 more",
    "branch_count": 3,
    "step_count": 1,
}
_delivery: Final = {
    "id": _DELIVERY,
    "user_id": _SENIOR["id"],
    "channel": "email",
    "state": "sent",
    "reason": None,
    "attempts": 1,
    "last_error": None,
    "created_at": _LATER,
    "updated_at": "2026-11-24T09:05:01Z",
    "message_id": f"<{_DELIVERY}@flowpilot.example>",
}
_snapshot: Final = {
    "schema_version": 1,
    "handoff_id": _HANDOFF,
    "session_id": _SESSION,
    "frozen_at": _LATER,
    "title": _listed["title"],
    "problem": _listed["problem"],
    "client_name": "Lakeside Dental",
    "ticket": _TICKET,
    "ticket_facts": {**_facts, "read_at": _LATER},
    "priority": "high",
    "reason": "Out of ideas; the client waits",
    "note": "Ask for Petra on the phone",
    "escalated_by": _JUNIOR,
    "branches": [
        {**_root, "active": False, "step_ids": [_STEP]},
        {**_policy, "active": True, "step_ids": []},
        {**_profile, "active": False, "step_ids": []},
    ],
    "fork_points": [_fork],
    "steps": [_step],
    "tried": [_STEP],
    "failed": [_STEP],
    "open_hypotheses": [_POLICY, _PROFILE],
    "earlier_escalations": [],
}


def _page(item: object) -> dict[str, Any]:
    return {"items": [item], "next_cursor": None}


_escalation_policy: Final = {
    "steps": [
        {
            "after_seconds": 600,
            "whom": [{"kind": "on_duty", "team_id": None, "role": None, "user_id": None}],
            "channels": ["email"],
            "repeats": 0,
            "every_seconds": None,
        },
        {
            "after_seconds": 1800,
            "whom": [{"kind": "role", "team_id": None, "role": "owner", "user_id": None}],
            "channels": ["email"],
            "repeats": 2,
            "every_seconds": 900,
        },
    ],
    "teams": [],
    "due_seconds": {"low": None, "normal": None, "high": 3600, "urgent": 900},
    "claim_quiet_minutes": 30,
}
_told_now: Final = {
    "number": 0,
    "at": _LATER,
    "told": [{"user": _SENIOR, "channel": "email", "now": True, "reason": None, "until": None}],
    "not_told": [{"user": _JUNIOR, "reason": "it is theirs"}],
}
_preview: Final = {
    "warning": None,
    "nobody_on_duty": False,
    "due_at": None,
    "now": _told_now,
    "steps": [],
    "questions": [{"asked": "error_text", "text": "What exactly does the error say?", "answered": True}],
}
_preferences: Final[dict[str, Any]] = {
    "time_zone": "Europe/Vienna",
    "working_hours": [{"day": "monday", "start": "08:00", "end": "16:30"}],
    "other_days": [{"date": "2026-12-24", "hours": []}],
    "quiet_hours": {"start": "22:00", "end": "07:00"},
    "channels": {"escalated": None, "reminder": [], "lapse_warning": None, "wake_up": None, "debrief": None},
    "mail_after_seconds": None,
}

_webhook: Final = {
    "id": "01998c2e-7a10-7000-8000-00000000000d",
    "name": "On-call dashboard",
    "format": "standard",
    "kinds": ["handoff.claimed", "handoff.escalated"],
    "host": "dashboard.example.com",
    "on": True,
    "off_reason": None,
    "previous_secret_until": None,
    "created_at": _AT,
}
_unsent: Final = {"state": "pending", "attempts": 0, "status": None, "request": None, "response": None, "updated_at": _LATER}
_hooked: Final = {
    "id": "01998c2e-7a10-7000-8000-00000000000e",
    "webhook_id": _webhook["id"],
    "event_id": "01998c2e-7a10-7000-8000-00000000000f",
    "kind": "handoff.escalated",
    "session_id": _SESSION,
    "handoff_id": _HANDOFF,
    "state": "sent",
    "attempts": 1,
    "reason": None,
    "last_error": None,
    "status": 200,
    "request": '{"type":"handoff.escalated"}',
    "response": "ok",
    "created_at": _LATER,
    "updated_at": _LATER,
}
_team: Final = {"id": _TEAM, "name": "Network", "member_ids": [_JUNIOR["id"]], "archived_at": None}
_admin: Final[dict[str, Any]] = {
    "id": "01998c2e-7a10-7000-8000-00000000000c",
    "email": "adam@msp.example",
    "name": "Adam Admin",
    "role": "admin",
    "state": "active",
    "team_ids": [],
    "created_at": _AT,
    "deactivated_at": None,
    "invitation": None,
}
_joined: Final = {
    **_admin,
    "id": "01998c2e-7a10-7000-8000-00000000000d",
    "email": "nina@msp.example",
    "name": "Nina New",
    "role": "engineer",
    "team_ids": [_TEAM],
}
_invited: Final = {
    **_joined,
    "state": "invited",
    "invitation": {"mail": "pending", "attempts": 0, "last_error": None, "created_at": _AT, "expires_at": "2026-12-01T08:30:00Z"},
}

EXAMPLES: Final[Mapping[str, Any]] = {
    "start_session request": {
        "title": _listed["title"],
        "problem": _listed["problem"],
        "client_name": "Lakeside Dental",
        "ticket": _TICKET,
        "priority": "high",
    },
    "start_session": _new,
    "list_sessions": _page(_listed),
    "get_session": _session,
    "add_step request": {key: _step[key] for key in ("kind", "content", "result", "evidence")},
    "add_step": _step,
    "set_result request": {"result": "failed"},
    "set_result": _step,
    "fork request": {
        "at_step_id": _STEP,
        "reason": "Two explanations fit",
        "options": [{key: branch[key] for key in ("label", "hypothesis")} for branch in (_policy, _profile)],
    },
    "fork": {**_fork, "branches": [_policy, _profile]},
    "activate_branch request": {"branch_id": _POLICY},
    "activate_branch": _active,
    "close_branch request": {"outcome": "dead_end", "reason": "A new profile asks just the same"},
    "close_branch": _active,
    "hand_off request": {
        "intent": "escalate",
        "reason": "Out of ideas; the client waits",
        "note": "Ask for Petra on the phone",
        "priority": "high",
    },
    "hand_off": {**_handoff, "assessment": _pending},
    "resume request": {},
    "resume": _active,
    "reassign request": {"user_id": _SENIOR["id"]},
    "reassign": _active,
    "join request": {},
    "join": {**_active, "helper_ids": [_SENIOR["id"]]},
    "leave request": {},
    "leave": _active,
    "rate_step request": {"rating": 1, "comment": "Do this first next time"},
    "rate_step": _active,
    "resolve request": {"summary": "Excluded the shared mailbox from the new policy", "root_cause": "The policy of last night"},
    "resolve": {
        **_active,
        "status": "resolved",
        "resolution": {"summary": "Excluded the shared mailbox from the new policy", "root_cause": "The policy of last night"},
        "debrief": {
            "handoff_id": _HANDOFF,
            "escalated_by": _JUNIOR,
            "summary": "Excluded the shared mailbox from the new policy",
            "root_cause": "The policy of last night",
            "resolved_by": _SENIOR,
            "resolved_at": _LATER,
            "branch": _policy,
            "fork_point": _fork,
            "step": None,
        },
    },
    "reopen request": {"reason": "It asks again"},
    "reopen": _active,
    "abandon request": {"reason": "The client replaced the machine"},
    "abandon": {**_active, "status": "abandoned"},
    "timeline": _page(_entry),
    "queue": _page(_queued),
    "get_handoff": _handoff,
    "get_snapshot": _snapshot,
    "changes": _page(_entry),
    "deliveries": _page(_delivery),
    "suggestions": _page(_suggestion),
    "suggest request": {},
    "suggest": {**_suggestion, "more": []},
    "decide request": {"decision": "accepted"},
    "decide": _active,
    "assessments": _page(_judged),
    "assess request": {},
    "assess": _pending,
    "judge_assessment request": {"verdict": "missing", "comment": "The switch had been ruled out in step 4"},
    "judge_assessment": _handoff,
    "claim request": {},
    "claim": _claimed,
    "unclaim request": {},
    "unclaim": {**_handoff, "version": 3},
    "reroute request": {"priority": "urgent"},
    "reroute": {**_handoff, "version": 2, "priority": "urgent"},
    "withdraw request": {},
    "withdraw": {**_handoff, "version": 2, "state": "withdrawn"},
    "see request": {},
    "see": {**_handoff, "told": {"people": 3, "sent": 3, "seen": 1, "refused": 0, "off_duty": 0}},
    "judge request": {"verdict": "right", "comment": "The runbook has nothing on it"},
    "judge": _claimed,
    "retry_delivery request": {},
    "retry_delivery": _handoff,
    "events": {"session_id": _handoff["session_id"], "handoff_id": _handoff["id"], "by": _JUNIOR, "at": _handoff["escalated_at"]},
    "get_policy": _escalation_policy,
    "set_policy request": _escalation_policy,
    "set_policy": _escalation_policy,
    "preview_policy request": {**_escalation_policy, "priority": "high", "team_id": None, "at": None},
    "preview_policy": {**_preview, "questions": []},
    "preview": _preview,
    "get_preferences": _preferences,
    "set_preferences request": _preferences,
    "set_preferences": _preferences,
    "add_webhook request": {
        "name": "On-call dashboard",
        "url": "https://dashboard.example.com/flowpilot",
        "kinds": ["handoff.claimed", "handoff.escalated"],
    },
    "add_webhook": {**_webhook, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "list_webhooks": _page(_webhook),
    "change_webhook request": {"on": False},
    "change_webhook": {**_webhook, "on": False, "off_reason": "switched off by hand"},
    "drop_webhook request": {},
    "renew_secret request": {},
    "renew_secret": {**_webhook, "previous_secret_until": "2026-11-25T09:05:00Z", "secret": "whsec_2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo"},
    "test_webhook request": {},
    "test_webhook": {**_hooked, "event_id": None, "kind": None, "session_id": None, "handoff_id": None, **_unsent},
    "webhook_deliveries": _page(_hooked),
    "replay_delivery request": {},
    "replay_delivery": {**_hooked, "state": "pending", "attempts": 0},
    "read_ticket": {**_TICKET, **_facts},
    "connect_psa request": {key: _connection[key] for key in ("system", "name", "base_url")}
    | {
        "credentials": {"client_id": "…", "client_secret": "…", "tenant": "acme"},
        "settings": {"outcome_id": 7, "notes": {"parked": False}},
    },
    "connect_psa": _connection,
    "list_connections": _page(_connection),
    "get_connection": _connection,
    "change_connection request": {"settings": {"notes": {"parked": True}, "templates": {"claimed": "{by} has it now: {link}"}}},
    "change_connection": {**_connection, "version": 2},
    "remove_connection request": {},
    "test_connection request": {},
    "test_connection": {
        "ok": False,
        "problem": "wrong_key",
        "hint": "HaloPSA refused the client id or secret (401). Enter the credentials again, as the vendor shows them.",
    },
    "renew_psa_webhook request": {},
    "renew_psa_webhook": {"url": "https://flowpilot.example/psa-webhooks/fpp_…", "secret": "…"},
    "drop_psa_webhook request": {},
    "preview_note request": {"kind": "claimed", "template": "{by} has it now."},
    "preview_note": {
        "title": "Taken over by Jo Junior",
        "format": "html",
        "parts": ["<p>Jo Junior has it now.</p><p><small>FlowPilot FP-01998c2e7a1070008000000000000009-01 (1/1)</small></p>"],
    },
    "list_posts": _page(_post),
    "retry_post request": {},
    "retry_post": {**_post, "state": "pending", "attempts": 0, "vendor_id": None, "answer": None, "posted_at": None},
    "get_account": _account,
    "change_account request": {"redacts_personal": True},
    "change_account": {**_account, "redacts_personal": True},
    "list_users": _page(_admin),
    "me": _admin,
    "get_user": _admin,
    "invite request": {"email": "nina@msp.example", "name": "Nina New", "role": "engineer", "team_ids": [_TEAM]},
    "invite": _invited,
    "invite_again request": {},
    "invite_again": _invited,
    "change_user request": {"role": "admin"},
    "change_user": {**_joined, "role": "admin"},
    "deactivate request": {},
    "deactivate": {**_joined, "state": "deactivated", "deactivated_at": _LATER},
    "reactivate request": {},
    "reactivate": _joined,
    "list_teams": _page(_team),
    "get_team": _team,
    "make_team request": {"name": "Network", "member_ids": [_JUNIOR["id"]]},
    "make_team": _team,
    "change_team request": {"archived": True},
    "change_team": {**_team, "archived_at": _LATER},
    "live": {"status": "live"},
    "ready": {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "relay": "ok"}, "relay_lag_seconds": 0.0},
}
