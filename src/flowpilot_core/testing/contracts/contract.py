"""What all contract suites share: the ports under test, and an account with people to test them with."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import pytest
from attrs import frozen

from flowpilot_core.domain.kernel.errors import FlowPilotError
from flowpilot_core.domain.kernel.events import LoggedEvent
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Outbox
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import Staff, a_staff

EVERYTHING = 10_000
"""A page that holds whatever a test has made."""


@frozen(kw_only=True)
class Adapter:
    """The ports of one store under test."""

    begin: BeginWork[UnitOfWork]
    view: ViewOf[View]
    outbox: Outbox


class Contract:
    """A suite that pytest collects only where it is subclassed."""

    capabilities: ClassVar[frozenset[str]] = frozenset()
    """What this adapter can do that not every adapter can."""

    time_limit: ClassVar[float | None] = 120.0
    """Seconds until a test, or a fixture made for it alone, that still waits counts as hung; None never ends one."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def begin(self, adapter: Adapter) -> BeginWork[UnitOfWork]:
        return adapter.begin

    @pytest.fixture
    def view(self, adapter: Adapter) -> ViewOf[View]:
        return adapter.view

    @pytest.fixture
    def outbox(self, adapter: Adapter) -> Outbox:
        return adapter.outbox

    @pytest.fixture
    async def acme(self, begin: BeginWork[UnitOfWork]) -> Staff:
        """An account with its people."""
        return await a_staff("Acme IT").kept(begin)

    @pytest.fixture
    async def globex(self, begin: BeginWork[UnitOfWork]) -> Staff:
        """Another account, whose people are called the same."""
        return await a_staff("Globex").kept(begin)


async def all_events(view: ViewOf[View], account_id: AccountId) -> Sequence[LoggedEvent]:
    """The whole log of an account."""
    return await view(account_id).events(after=0, limit=EVERYTHING)


async def closed(begin: BeginWork[UnitOfWork], staff: Staff, at: datetime | None) -> None:
    """Their account is closed since then, or open."""
    async with begin(staff.account_id) as work:
        await work.people.set_closed(at)
        await work.commit()


def facts(error: FlowPilotError) -> tuple[type[FlowPilotError], tuple[object, ...], str]:
    """All that a refusal tells; two exceptions are never equal themselves."""
    return type(error), error.args, str(error)
