"""The first library, brought to a database whose schema is this version's."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from flowpilot_adapters.scripts.reading import read_script
from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.flowpilot import wake_nobody
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.knowledge.library import BringLibrary, Brought
from flowpilot_core.domain.kernel.errors import FlowPilotError
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_http.library import library

from .failures import CannotRun, first_line


def bring_library(url: str) -> Brought:
    """Bring what this version has to the database at `url`, for all accounts. Raises `CannotRun`."""
    # In a thread of its own, since a loop may run in this one.
    with ThreadPoolExecutor(max_workers=1) as beside:
        try:
            return beside.submit(asyncio.run, _bring(url)).result()
        except FlowPilotError as exc:
            raise CannotRun(f"the library could not be brought to the platform's account ({first_line(exc.__cause__ or exc)})") from exc


async def _bring(url: str) -> Brought:
    database = Database(url, pool_size=1)
    try:
        units = Units[UnitOfWork](begin=database.begin, committed=wake_nobody, new_id=new_id)
        return await BringLibrary(units=units, clock=SystemClock(), read_script=read_script)(library())
    finally:
        await database.close()
