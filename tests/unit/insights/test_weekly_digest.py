"""When a week is told, which week that is, and how far it is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.weekly_digest import (
    ASKED_LATER,
    TO_SEND,
    TOLD_AT,
    WeeklyDigest,
    last_week,
    next_at,
    told_at,
    why_not_mail,
)
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import InvalidTransition
from flowpilot_core.domain.kernel.sending import MOST_ATTEMPTS, DeliveryState
from flowpilot_core.domain.kernel.time_zone import zone
from flowpilot_core.testing.builders import BEN, NOON, STAFF
from tests.unit.notifications.test_mail_text import ACME

VIENNA, CHATHAM, APIA = "Europe/Vienna", "Pacific/Chatham", "Pacific/Apia"
ZONES = st.sampled_from(sorted(available_timezones()))
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
INSTANT, DAY = timedelta(milliseconds=1), timedelta(days=1)


def a_week(start: str, time_zone: str = VIENNA) -> Period:
    monday = date.fromisoformat(start)
    return Period(start=monday, end=monday + 7 * DAY, time_zone=time_zone)


def a_digest(state: DeliveryState = DeliveryState.PENDING, *, attempts: int = 0) -> WeeklyDigest:
    return WeeklyDigest(user_id=BEN.user_id, week=date(2026, 11, 23), state=state, attempts=attempts)


class TestWhen:
    @pytest.mark.parametrize(
        ("start", "told"),
        [
            ("2026-11-23", datetime(2026, 11, 30, 6, tzinfo=UTC)),
            ("2026-03-23", datetime(2026, 3, 30, 5, tzinfo=UTC)),
            ("2026-10-19", datetime(2026, 10, 26, 6, tzinfo=UTC)),
        ],
    )
    def test_a_week_is_told_on_the_monday_after_it_at_seven_also_where_the_clock_was_changed_that_night(
        self, start: str, told: datetime
    ) -> None:
        assert told == told_at(a_week(start))

    def test_until_the_millisecond_before_the_last_week_is_the_one_before(self) -> None:
        told = told_at(a_week("2026-11-23"))

        assert a_week("2026-11-16") == last_week(VIENNA, at=told - INSTANT)
        assert a_week("2026-11-23") == last_week(VIENNA, at=told)
        assert told == next_at(VIENNA, after=told - INSTANT)
        assert told_at(a_week("2026-11-30")) == next_at(VIENNA, after=told)

    @given(MOMENTS, ZONES)
    def test_at_any_moment_the_last_week_is_over_and_told_and_the_next_one_is_not(self, at: datetime, time_zone: str) -> None:
        week = last_week(time_zone, at=at)
        following = next_at(time_zone, after=at)

        assert (0, 7 * DAY) == (week.start.weekday(), week.end - week.start)
        assert week.until <= told_at(week) <= at < following
        assert week == last_week(time_zone, at=following - INSTANT)
        assert week.end == last_week(time_zone, at=following).start

    @given(MOMENTS, ZONES, st.integers(1, 60))
    def test_over_any_number_of_weeks_each_is_told_once_at_one_hour_on_the_wall(self, at: datetime, time_zone: str, weeks: int) -> None:
        told = []
        for _ in range(weeks):
            at = next_at(time_zone, after=at)
            told.append(last_week(time_zone, at=at).start)
            wall = at.astimezone(zone(time_zone))
            assert (0, TOLD_AT) == (wall.weekday(), wall.time())

        assert [told[0] + 7 * number * DAY for number in range(weeks)] == told

    def test_a_day_that_an_island_left_out_is_missed_by_that_week_alone(self) -> None:
        """There was no Friday."""
        week = a_week("2011-12-26", APIA)

        assert 6 * DAY == week.until - week.since
        assert week == last_week(APIA, at=told_at(week))

    @given(MOMENTS, ZONES, ZONES)
    def test_whose_account_changes_its_zone_is_told_no_week_twice_and_misses_none(self, at: datetime, before: str, after: str) -> None:
        due = next_at(before, after=at)
        digest = WeeklyDigest.wanted(BEN.user_id, before, at=at)

        first, second = (digest.come_to(last_week(after, at=moment)) for moment in (due, next_at(after, after=due)))

        assert first.week in (digest.week, digest.week + 7 * DAY)
        assert digest.week + 7 * DAY <= second.week <= first.week + 7 * DAY


class TestHowFar:
    def test_who_asks_for_it_is_told_of_the_first_week_that_is_told_later(self) -> None:
        told = told_at(a_week("2026-11-23"))
        digest = WeeklyDigest.wanted(BEN.user_id, VIENNA, at=told)

        assert (date(2026, 11, 23), DeliveryState.SUPPRESSED, ASKED_LATER) == (digest.week, digest.state, digest.reason)
        assert not digest.come_to(a_week("2026-11-23")).tells(a_week("2026-11-23"))
        assert digest.come_to(a_week("2026-11-30")).tells(a_week("2026-11-30"))
        early = WeeklyDigest.wanted(BEN.user_id, VIENNA, at=told - INSTANT)
        assert early.come_to(a_week("2026-11-23")).tells(a_week("2026-11-23"))

    def test_of_weeks_that_were_missed_the_last_alone_is_told(self) -> None:
        tried = a_digest().taken().failed("no answer", permanent=False, unknown=True)

        assert WeeklyDigest(user_id=BEN.user_id, week=date(2026, 12, 14)) == tried.come_to(a_week("2026-12-14"))

    def test_a_week_that_is_earlier_than_the_one_it_is_at_is_not_told(self) -> None:
        assert a_digest() == a_digest().come_to(a_week("2026-11-16"))
        assert not a_digest().tells(a_week("2026-11-16"))

    @pytest.mark.parametrize("state", list(DeliveryState))
    def test_a_week_is_told_until_it_was_sent_given_up_or_left_out(self, state: DeliveryState) -> None:
        assert (state in TO_SEND) is a_digest(state).tells(a_week("2026-11-23"))

    def test_taking_over_from_a_relay_that_died_in_the_middle_may_be_a_repeat(self) -> None:
        first = a_digest().taken()

        assert (False, True) == (first.maybe_arrived, first.taken().maybe_arrived)
        assert "it may have arrived twice" == first.taken().sent().reason
        assert ("went to a log", None) == (first.sent("went to a log").reason, first.sent().reason)

    def test_it_is_dead_where_it_is_refused_for_good_or_was_tried_often_enough(self) -> None:
        refused = a_digest().taken().failed("no such user", permanent=True)
        last = a_digest(DeliveryState.SENDING, attempts=MOST_ATTEMPTS).failed("mailbox full", permanent=False)

        assert (DeliveryState.DEAD, "no such user") == (refused.state, refused.last_error)
        assert (DeliveryState.DEAD, "mailbox full") == (last.state, last.last_error)
        assert DeliveryState.FAILED is a_digest().taken().failed("later", permanent=False).state

    def test_what_was_sent_is_not_given_up_any_more(self) -> None:
        sent = a_digest().taken().sent()

        assert sent == sent.given_up("too many tries")
        assert DeliveryState.DEAD is a_digest().given_up("too many tries").state
        with pytest.raises(InvalidTransition):
            sent.taken()

    def test_every_attempt_of_a_week_has_one_message_id_and_every_week_another(self) -> None:
        digest = a_digest()

        assert f"<{BEN.user_id}.2026-11-23@msp.example>" == digest.message_id("msp.example") == digest.taken().message_id("msp.example")
        assert digest.message_id("msp.example") != digest.come_to(a_week("2026-11-30")).message_id("msp.example")


class TestWhom:
    def whom(self, role: Role = Role.ADMIN) -> User:
        return evolve(STAFF.user(BEN), role=role)

    @pytest.mark.parametrize(
        ("role", "reason"),
        [
            (Role.OWNER, None),
            (Role.ADMIN, None),
            (Role.ENGINEER, "the person is an engineer now"),
            (Role.VIEWER, "the person is a viewer now"),
        ],
    )
    def test_it_is_for_account_owners_and_admins(self, role: Role, reason: str | None) -> None:
        assert reason == why_not_mail(ACME, self.whom(role))

    def test_nobody_is_mailed_who_is_gone_or_whose_account_is_closed(self) -> None:
        assert "the person is deactivated" == why_not_mail(ACME, evolve(self.whom(), deactivated_at=NOON))
        assert "the account is closed" == why_not_mail(ACME.closed(at=NOON), self.whom())
