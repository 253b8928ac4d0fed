"""Whether anybody has changed what the audit log says."""

import typer

from flowpilot_core.domain.access.audit import AuditBroken, AuditHead
from flowpilot_http import main as composition

from .environment import prepared
from .naming import OfAccount
from .outcome import COULD_NOT, Json, outcome, run, say

audit = typer.Typer(help="The audit log of an account.", no_args_is_help=True)


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
