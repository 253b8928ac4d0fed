"""Where people read: the addresses of the pages that messages lead to.

Each names its account, so that a browser that nobody signed in with yet knows where to. That alone is no right to anything.
"""

from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.kernel.identifiers import AccountId, MaintenanceScheduleId, SessionId


def home(base_url: str, account_id: AccountId) -> str:
    """Where somebody of the account begins."""
    return f"{base_url}/?account={account_id}"


def page_of(base_url: str, account_id: AccountId, session_id: SessionId, handoff: Handoff | None = None) -> str:
    """Where a session, or an escalation of it, is read. A park has no page but its session's."""
    if handoff is None or handoff.intent is Intent.PARK:
        return f"{base_url}/sessions/{session_id}?account={account_id}"
    return f"{base_url}/escalations/{handoff.id}?account={account_id}"


def maintenance_of(base_url: str, account_id: AccountId, schedule_id: MaintenanceScheduleId) -> str:
    """Where a maintenance schedule and its runs are read."""
    return f"{base_url}/maintenance/schedules/{schedule_id}?account={account_id}"
