"""The use cases, put together on a database: all that most commands need."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Final

from flowpilot_adapters.patterns import matches
from flowpilot_adapters.recurrence import recurrence
from flowpilot_adapters.scripts.declared import declared_parameters
from flowpilot_adapters.scripts.reading import read_script
from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.assistant.redaction import redact_by_rules
from flowpilot_core.application.flowpilot import FlowPilot, wake_nobody
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.knowledge.parsing import Parsers
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.access import OpenId
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.kernel import Compute, PictureReader
from flowpilot_core.ports.psa import Psa
from flowpilot_http.settings import Settings

from .database import database_of, opened, require_ready
from .failures import CannotRun, first_line
from .keys import vault_of

PARSERS: Final = Parsers(matches=matches, read_script=read_script, declared=declared_parameters)


@asynccontextmanager
async def flowpilot_of(settings: Settings, *, openid: OpenId | None = None) -> AsyncIterator[FlowPilot]:
    """The use cases on the database that was named, or our own; without `openid` nobody asks identity providers. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        database = opened(stack, urls.app, pool_size=settings.pool_size)
        try:
            await require_ready(database, urls.app)
        except Unavailable as exc:
            raise CannotRun(
                f"the database does not answer ({first_line(exc.__cause__ or exc)}); is it up, and is its address right?"
            ) from exc
        yield use_cases(settings, database, openid=openid)


def use_cases(
    settings: Settings,
    database: Database,
    *,
    psas: Mapping[str, Psa] = MappingProxyType({}),
    openid: OpenId | None = None,
    redact: Redactor = redact_by_rules,
    pictures: PictureReader | None = None,
    compute: Compute = compute_here,
    committed: Callable[[AccountId], None] = wake_nobody,
) -> FlowPilot:
    """The use cases on this database."""
    return FlowPilot.of(
        begin=database.begin,
        view=database.view,
        clock=SystemClock(),
        new_id=new_id,
        new_secret=new_secret,
        vault=vault_of(settings),
        models=bool(settings.models),
        redact=redact,
        psas=psas,
        openid=openid,
        bounds=settings.session_bounds,
        pictures=pictures,
        compute=compute,
        parsers=PARSERS,
        recurrence=recurrence,
        committed=committed,
        base_url=settings.base_url or "",
    )
