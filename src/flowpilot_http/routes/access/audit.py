"""The audit log: who did what to the account itself."""

from flowpilot_core.ports.access import Audited
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.access.audit import AuditEntryOut
from flowpilot_http.schemas.kernel import Listed, Page

part = Part("Account")


@part.reads("/audit-log", Listed[AuditEntryOut], query=Page, problems=("invalid_cursor", "role_forbidden"))
async def audit_log(request: Call) -> Body:
    """Who did what to the people, tokens, connections and rules of your account, newest first. Nothing in it can be changed."""
    page = await request.wanted(Page)

    async def more(before: int | None, limit: int) -> list[Audited]:
        return list(await request.flowpilot.auditing.page(request.user, before=before, limit=limit))

    return await request.listed(page, "audit log", int, more, shown=AuditEntryOut.of, at=lambda one: one.entry.number)


ROUTES = (audit_log,)
