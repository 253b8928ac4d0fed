"""What the audit log says, and whether anybody has changed it."""

from collections.abc import Sequence
from typing import Annotated

import typer

from flowpilot_core.domain.access.audit import AuditBroken, AuditHead, operator
from flowpilot_core.domain.kernel.actor import WayIn
from flowpilot_core.ports.access import Audited
from flowpilot_http import main as composition

from .environment import prepared
from .naming import OfAccount
from .outcome import COULD_NOT, Json, outcome, run, say

SHOWN = 50
MOST_SHOWN = 1_000

audit = typer.Typer(help="The audit log of an account.", no_args_is_help=True)


@audit.command("list")
def list_entries(
    account: OfAccount,
    limit: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="How many of the newest.")] = SHOWN,
    json: Json = False,
) -> None:
    """List what was done to an account, the newest first: by whom, and by which way in they were signed in."""

    async def work() -> Sequence[Audited]:
        async with composition.flowpilot_of(settings) as flowpilot:
            by = operator(composition.account_called(settings, account))
            return await flowpilot.auditing.page(by, before=None, limit=limit)

    with outcome():
        settings = prepared()
        found = run(work())
        say({"items": [_facts(one) for one in found]}, "\n".join(map(_line, found)) or "There are none.", json=json)


def _facts(audited: Audited) -> dict[str, object]:
    entry, deed = audited.entry, audited.entry.deed
    return {
        "number": entry.number,
        "kind": deed.kind,
        "at": deed.at,
        "by": None if deed.by is None else {"id": deed.by, "name": audited.name},
        "way_in": None if deed.way_in is None else {"way": deed.way_in.way, "id": deed.way_in.id},
        "cause": deed.cause,
        "thing_id": deed.thing_id,
        "changed": deed.changed,
        "request_id": deed.request_id,
        "digest": entry.digest,
    }


def _line(audited: Audited) -> str:
    deed = audited.entry.deed
    doer = deed.cause or f"{audited.name}{_by(deed.way_in)}"
    return f"{audited.entry.number:>6}  {deed.at:%Y-%m-%d %H:%M}  {deed.kind}  {doer}{f'  {deed.thing_id}' if deed.thing_id else ''}"


def _by(way_in: WayIn | None) -> str:
    if way_in is None:
        return ""
    return f" (by {way_in.way}{f' {way_in.id}' if way_in.id else ''})"


@audit.command()
def verify(account: OfAccount, json: Json = False) -> None:
    """Read an account's audit log from end to end, and say where it ends, or which entry is not what was written.

    Keep the number and digest of its end away from the database: as long as that entry has that digest, nothing before it was changed.
    """

    async def work() -> AuditHead:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.auditing.verify(composition.account_called(settings, account))

    with outcome():
        settings = prepared()
        try:
            head = run(work())
        except AuditBroken as broken:
            say({"ok": False, "broken_at": broken.number}, f"{str(broken).capitalize()}.", json=json)
            raise typer.Exit(COULD_NOT) from None
        sentence = f"All {head.number} entries are as they were written; the last has the digest {head.digest or '(there is none yet)'}."
        say({"ok": True, "number": head.number, "digest": head.digest}, sentence, json=json)
