"""Where time, ids and chance come from."""

from datetime import timedelta

from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret


def test_the_time_is_in_utc() -> None:
    assert timedelta() == SystemClock().now().utcoffset()


def test_ids_are_of_version_7_and_later_ones_sort_after_earlier_ones() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert sorted(set(ids)) == ids
    assert {7} == {one.version for one in ids}


def test_a_secret_has_32_bytes_and_never_comes_twice() -> None:
    secrets = {new_secret() for _ in range(1_000)}

    assert (1_000, {32}) == (len(secrets), {len(secret) for secret in secrets})


def test_jitter_is_spread_from_0_to_1() -> None:
    drawn = [jitter() for _ in range(1_000)]

    assert all(0 <= one <= 1 for one in drawn)
    assert min(drawn) < 0.25 < 0.75 < max(drawn)
