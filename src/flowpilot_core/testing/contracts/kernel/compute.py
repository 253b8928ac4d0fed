"""What every way of working something out must do: subclass `ComputeContract` and override its fixture."""

from asyncio import gather
from uuid import UUID

import pytest

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Compute
from flowpilot_core.testing.contracts.contract import Contract

ACME, GLOBEX = AccountId(UUID(int=1)), AccountId(UUID(int=2))


def both(first: list[str], second: dict[str, int]) -> tuple[list[str], dict[str, int]]:
    """What it was given, changed in its own copy or not."""
    return [*first, "more"], {**second, "more": 1}


def refuse(thing: str) -> str:
    """Never returns."""
    raise NotFound(thing)


class ComputeContract(Contract):
    """`Compute`."""

    @pytest.fixture
    def compute(self) -> Compute:
        raise NotImplementedError("return the one under test")

    async def test_what_the_work_returns_comes_back(self, compute: Compute) -> None:
        assert (["a", "more"], {"b": 2, "more": 1}) == await compute(ACME, both, ["a"], {"b": 2})

    async def test_what_the_work_raises_is_raised_with_its_facts(self, compute: Compute) -> None:
        with pytest.raises(NotFound) as refused:
            await compute(ACME, refuse, "tree")

        assert "tree" == refused.value.thing

    async def test_work_goes_on_after_work_that_raised(self, compute: Compute) -> None:
        with pytest.raises(NotFound):
            await compute(ACME, refuse, "tree")

        assert "ab" == await compute(ACME, "".join, ["a", "b"])

    async def test_many_pieces_of_work_at_once_get_each_their_own_answer(self, compute: Compute) -> None:
        answers = await gather(*(compute((ACME, GLOBEX)[number % 2], divmod, number, 7) for number in range(40)))

        assert [divmod(number, 7) for number in range(40)] == answers

    async def test_a_text_of_megabytes_comes_back_as_it_went(self, compute: Compute) -> None:
        text = "ä\x00\ud83d\n€" * 500_000

        assert text.swapcase() == await compute(ACME, str.swapcase, text)
