"""Rows about PSAs as values of the domain."""

import json
from typing import Any, Final

from flowpilot_adapters.sql.records.kernel import record
from flowpilot_core.domain.psa.connection import Circuit, Health, NoteKind, PsaConnection, TicketChange
from flowpilot_core.domain.psa.member import MemberMatch
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket

psa_post: Final = record(PsaPost)


member_match: Final = record(MemberMatch)


psa_webhook: Final = record(PsaWebhook)


watched_ticket: Final = record(WatchedTicket)


def psa_connection(row: Any) -> PsaConnection:
    """A connection, without its credentials."""
    return PsaConnection(
        id=row.id,
        version=row.version,
        system=row.system,
        name=row.name,
        base_url=row.base_url,
        secret_id=row.secret_id,
        settings=json.loads(row.settings),
        noted=frozenset(NoteKind(kind) for kind in row.noted),
        templates={NoteKind(kind): template for kind, template in json.loads(row.templates).items()},
        summary_public=row.summary_public,
        changes={NoteKind(kind): TicketChange(**change) for kind, change in json.loads(row.changes).items()},
        health=Health(
            circuit=Circuit(row.circuit),
            failures=row.failures,
            rests_until=row.rests_until,
            problem=row.problem,
            last_success_at=row.last_success_at,
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
