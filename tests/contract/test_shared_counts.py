"""What is counted keeps its contracts, in one process and in several, whatever becomes of one of them."""

import signal
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from flowpilot_adapters.shared_counts import FILE, SharedCounts
from flowpilot_core.application.kernel.counting import PlacesHere, TalliesHere
from flowpilot_core.domain.kernel.rate_limit import Tally
from flowpilot_core.ports.kernel import Places, Tallies
from flowpilot_core.testing.contracts import PlacesContract, TalliesContract
from tests.support.processes import Victim, count_and_die, take_and_die


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[SharedCounts]:
    SharedCounts.make(tmp_path)
    counts = SharedCounts(tmp_path, 1)
    yield counts
    counts.close()


class TestPlacesHere(PlacesContract):
    @pytest.fixture
    def places(self) -> Places:
        return PlacesHere()


class TestSharedPlaces(PlacesContract):
    @pytest.fixture
    def places(self, counts: SharedCounts) -> Places:
        return counts.places("person")


class TestTalliesHere(TalliesContract):
    @pytest.fixture
    def tallies(self) -> Tallies:
        return TalliesHere(names=3)


class TestSharedTallies(TalliesContract):
    @pytest.fixture
    def tallies(self, counts: SharedCounts) -> Tallies:
        return counts.tallies("address", names=3)


def test_what_another_process_took_is_taken_here_too(counts: SharedCounts, tmp_path: Path) -> None:
    other = SharedCounts(tmp_path, 2)

    taken = [places.take("jo", 3) for places in (counts.places("person"), other.places("person")) for _ in range(2)]

    assert [True, True, True, False] == taken
    other.close()


def test_places_of_a_process_that_was_killed_are_free_again(counts: SharedCounts, tmp_path: Path) -> None:
    """F53: and those of the others are not."""
    here = counts.places("person")
    assert here.take("jo", 3)
    victim = Victim.of(take_and_die, tmp_path, 2)
    assert [True, True, False] == victim.hears()
    assert -signal.SIGKILL == victim.ended()
    assert not here.take("jo", 3)

    SharedCounts(tmp_path, 2).left()

    assert [True, True, False] == [here.take("jo", 3) for _ in range(3)]


def test_a_process_that_is_killed_while_it_counts_leaves_no_lock_and_no_half_count(counts: SharedCounts, tmp_path: Path) -> None:
    """F53"""
    victim = Victim.of(count_and_die, tmp_path)
    assert -signal.SIGKILL == victim.ended()
    tallies = counts.tallies("address")

    tallies.change("192.0.2.1", lambda tally: evolve(tally, count=tally.count + 1) if tally else Tally(since=1.0))

    assert Tally(since=1.0) == tallies.get("192.0.2.1")


def test_where_nothing_can_be_counted_nobody_is_turned_away(counts: SharedCounts, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as broken:
        broken.execute("DROP TABLE place")
        broken.execute("DROP TABLE tally")
    broken.close()
    places, tallies = counts.places("person"), counts.tallies("address")

    assert [True, True] == [places.take("jo", 1) for _ in range(2)]
    places.leave("jo")
    tallies.change("192.0.2.1", partial(lambda tally: tally or Tally(since=1.0)))
    assert tallies.get("192.0.2.1") is None
