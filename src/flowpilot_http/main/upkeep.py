"""What is done beside running servers and relays: letting relays rest and work again, sealing secrets anew."""

from contextlib import AsyncExitStack

from flowpilot_adapters.restore_mark_file import MarkFile
from flowpilot_adapters.sql import SqlOutbox
from flowpilot_adapters.system import SystemClock
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.access.secrets import Rotated, Rotation
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_http.settings import Settings, variable

from .database import database_of, marks_of, opened, require_ready
from .failures import CannotRun, first_line
from .keys import secret_keys


async def resume_relays(settings: Settings) -> str | None:
    """Let relays work again; returns why they rested, or None where they did not. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        marks, kept = marks_of(stack, urls), MarkFile(settings.data_dir)
        reason, here = await marks.why_paused(), await marks.whereabouts()
        kept.write(here, await marks.resume(kept.read(here)))
        return reason


async def pause_relays(settings: Settings, reason: str) -> None:
    """Have all relays rest until they are resumed. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        await marks_of(stack, stack.enter_context(database_of(settings))).pause(reason)


async def rotate(settings: Settings) -> Rotated:
    """Seal every account's secrets under the secret key of now. Raises `CannotRun`."""
    vault = AesGcmVault(secret_keys(settings))
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        if urls.relay is None:
            raise CannotRun(f"set {variable('relay_database_url')}: the relay's role knows which accounts have secrets")
        database = opened(stack, urls.app, pool_size=1)
        outbox = SqlOutbox(urls.relay, pool_size=1)
        stack.push_async_callback(outbox.close)
        try:
            await require_ready(database, urls.app)
            return await Rotation(begin=database.begin, accounts=outbox, vault=vault, clock=SystemClock()).run()
        except Unavailable as exc:
            raise CannotRun(f"the database does not answer ({first_line(exc.__cause__ or exc)}); is it up? Run it again.") from exc
