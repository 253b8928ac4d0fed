"""What every way of counting must do: subclass `PlacesContract` and `TalliesContract` and override their fixtures."""

from functools import partial

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.rate_limit import Tally
from flowpilot_core.ports.kernel import Places, Tallies
from flowpilot_core.testing.contracts.contract import Contract


def _one_more(tally: Tally | None, *, since: float) -> Tally:
    return evolve(tally, count=tally.count + 1) if tally else Tally(since=since)


class PlacesContract(Contract):
    """`Places`."""

    @pytest.fixture
    def places(self) -> Places:
        raise NotImplementedError("return the one under test")

    async def test_a_name_has_as_many_places_as_it_may_and_no_more(self, places: Places) -> None:
        assert [True, True, False] == [places.take("jo", 2) for _ in range(3)]

    async def test_a_place_that_was_left_is_had_again(self, places: Places) -> None:
        assert all(places.take("jo", 2) for _ in range(2))

        places.leave("jo")

        assert [True, False] == [places.take("jo", 2) for _ in range(2)]

    async def test_who_was_refused_has_taken_nothing(self, places: Places) -> None:
        assert [True, False, False] == [places.take("jo", 1) for _ in range(3)]

        places.leave("jo")

        assert places.take("jo", 1)

    async def test_names_have_places_each_for_themselves(self, places: Places) -> None:
        assert [True, True, False] == [places.take("jo", 1), places.take("ada", 1), places.take("ada", 1)]


class TalliesContract(Contract):
    """`Tallies`."""

    @pytest.fixture
    def tallies(self) -> Tallies:
        raise NotImplementedError("return the one under test, which remembers three names or a few more")

    async def test_what_never_happened_has_no_tally(self, tallies: Tallies) -> None:
        assert tallies.get("192.0.2.1") is None

    async def test_each_name_is_counted_for_itself(self, tallies: Tallies) -> None:
        for name in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
            tallies.change(name, partial(_one_more, since=1.5))

        assert (Tally(since=1.5, count=2), Tally(since=1.5)) == (tallies.get("192.0.2.1"), tallies.get("192.0.2.2"))

    async def test_names_that_were_longest_not_heard_of_are_forgotten_first(self, tallies: Tallies) -> None:
        tallies.change("busy", partial(_one_more, since=1.5))
        for number in range(100):
            tallies.change(f"name {number}", partial(_one_more, since=1.5))
            tallies.get("busy")

        assert Tally(since=1.5) == tallies.get("busy")
        assert Tally(since=1.5) == tallies.get("name 99")
        assert tallies.get("name 0") is None
