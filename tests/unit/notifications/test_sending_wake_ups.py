"""Which accounts go out together where many commit: each message wakes every process that listens."""

import asyncio
from collections.abc import Collection
from uuid import UUID

import pytest

from flowpilot_adapters.push import sending
from flowpilot_core.domain.kernel.identifiers import AccountId

pytestmark = pytest.mark.anyio

ACME, GLOBEX, INITECH = (AccountId(UUID(int=number)) for number in range(1, 4))


async def test_what_comes_soon_after_a_message_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSE", 3_600.0)
    sent: list[list[AccountId]] = []

    async def send(accounts: Collection[AccountId]) -> None:
        sent.append([*accounts])

    waking = sending.Sending(send)
    waking.add(ACME)
    await _turns()
    waking.add(GLOBEX)
    await _turns()
    await waking.close()

    assert [[ACME]] == sent


async def test_what_waited_goes_out_together_and_each_account_once() -> None:
    sent: list[list[AccountId]] = []
    gone = asyncio.Event()

    async def send(accounts: Collection[AccountId]) -> None:
        sent.append([*accounts])
        if INITECH in accounts:
            gone.set()

    waking = sending.Sending(send)
    waking.add(ACME)
    await _turns()
    for account_id in (GLOBEX, INITECH, GLOBEX):
        waking.add(account_id)
    await gone.wait()
    await waking.close()

    assert [[ACME], [GLOBEX, INITECH]] == sent


async def _turns() -> None:
    """More turns of the loop than anything takes that need not wait."""
    for _ in range(100):
        await asyncio.sleep(0)
