"""Whoever keeps sessions and access keeps those two: the use cases of sessions ask for nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import pytest

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.sessions.sessions import Sessions
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Once
from flowpilot_core.ports.sessions import SessionView, SessionWork
from flowpilot_core.testing.builders import a_staff

pytestmark = pytest.mark.anyio
KEPT = frozenset(
    {
        *("record", "keep", "commit", "sessions", "feedback"),
        *("people", "invitations", "audit", "secrets", "identities", "tokens", "sign_ins", "sign_in_codes"),
    }
)


class TwoAreas(SessionWork, AccessWork, Protocol):
    """A unit of work over sessions and access."""


class Narrow:
    """What it is asked of the two areas, it hands on; whatever else it is asked, it has not."""

    def __init__(self, whole: object) -> None:
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        if name not in KEPT:
            raise AttributeError(f"nobody keeps {name} here")
        return getattr(self._whole, name)


async def test_sessions_work_over_a_store_of_two_areas() -> None:
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    staff = await a_staff().kept(store.begin)

    @asynccontextmanager
    async def begin(account_id: AccountId, once: Once | None = None) -> AsyncIterator[TwoAreas]:
        async with store.begin(account_id, once) as whole:
            yield cast(TwoAreas, Narrow(whole))

    def view(account_id: AccountId) -> SessionView:
        return store.view(account_id)

    units: Units[TwoAreas] = Units(begin=begin, committed=lambda _: None, new_id=new_id)
    sessions: Sessions[TwoAreas] = Sessions(units=units, view=view, clock=SystemClock(), new_id=new_id)

    started = (await sessions.start(staff.anna, title="No mail", problem="Nothing arrives")).session
    await sessions.add_step(staff.anna, started.id, kind=StepKind.ACTION, content="Restarted it", result=StepResult.WORKED)
    await sessions.reassign(staff.anna, started.id, user_id=staff.ben.user_id)
    resolved = await sessions.resolve(staff.ben, started.id, summary="Restarted it")

    assert (Status.RESOLVED, 1) == (resolved.session.status, len(resolved.steps))
