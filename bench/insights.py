"""What an answer about a year of escalations takes, beside counting the same from all events.

Made in bulk: `--a-day` escalations a day for a year, each with its session, its claim, a step and a resolution, and all their events.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median

from attrs import frozen
from rich.console import Console

from flowpilot_adapters.sql import Database
from flowpilot_core.application.insights.analytics import PAGE
from flowpilot_core.domain.insights.analytics import GROUPS, MOST_GROUPS, GroupBy, Question
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.recount import Recount
from flowpilot_core.domain.insights.tallying import tallied
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.identifiers import AccountId

from .data import a_product

A_DAY = 10_000
DAYS = 365
ROUNDS = 3
START = date(2025, 1, 1)
MOST = 1 / 20
"""Of the recount's time that any answer may take."""
TEAMS = """
INSERT INTO flowpilot.team (account_id, id, name) SELECT '{account}', md5('team' || n)::uuid, 'Team ' || n FROM generate_series(0, 11) AS n
"""
SEED = """
SET session_replication_role = replica;
CREATE TEMPORARY TABLE made AS
SELECT n, md5('s' || n)::uuid AS session_id, md5('b' || n)::uuid AS branch_id, md5('h' || n)::uuid AS handoff_id,
  started, escalated, claimed, claimed + wait AS worked, claimed + wait * 3 AS resolved,
  (ARRAY['low', 'normal', 'high', 'urgent'])[1 + n % 4] AS priority, md5('team' || n % 12)::uuid AS team_id, 'Client ' || n % 500 AS client
FROM (
  SELECT n, started, started + random() * interval '3 hours' AS escalated,
    started + interval '3 hours' + random() ^ 3 * interval '2 days' AS claimed, random() ^ 2 * interval '1 hour' AS wait
  FROM (SELECT n, '{start}'::timestamptz + n * interval '{seconds} seconds' AS started FROM generate_series(1, {count}) AS n) AS starts
) AS times;
INSERT INTO flowpilot.session
  (account_id, id, version, status, title, problem, client_name, priority, team_id, assignee_id, parked_with, helper_ids,
   active_branch_id, step_count, resolution_summary, latest_handoff_id, escalations, resolved_at, created_by, created_at, updated_at)
SELECT '{account}', session_id, 5, 'resolved', 'Printer offline', 'The printer on floor 2 prints nothing since Monday.', client, priority,
  team_id, '{senior}', '{{}}', '{{}}', branch_id, 1, 'Replaced the cable', handoff_id, 1, resolved, '{junior}', started, resolved
FROM made;
INSERT INTO flowpilot.handoff
  (account_id, id, version, session_id, intent, state, reason, priority, queue_rank, team_id, escalated_by, escalated_at, claimed_by,
   claimed_at, claim_step_count, claim_branch_count, first_step_at, readers, snapshot_digest, title, client_name, headline, branch_count,
   step_count)
SELECT '{account}', handoff_id, 2, session_id, 'escalate', 'claimed', 'I am stuck', priority, 0, team_id, '{junior}', escalated,
  '{senior}', claimed, 0, 1, worked, '{{}}', repeat('0', 64), 'Printer offline', client, 'nothing was tried', 1, 0
FROM made;
INSERT INTO flowpilot.event (account_id, number, id, kind, at, by_user_id, session_id, handoff_id, private, changed)
SELECT '{account}', (n - 1) * 5 + place, gen_random_uuid(), kind, at, by_user_id, session_id, CASE WHEN handed THEN handoff_id END, false,
  changed
FROM made CROSS JOIN LATERAL (
  VALUES
    (1, 'session.started', started, '{junior}'::uuid, false, jsonb_build_object('title', 'Printer offline', 'priority', priority)),
    (2, 'handoff.escalated', escalated, '{junior}', true, jsonb_build_object('priority', priority, 'team_id', team_id)),
    (3, 'handoff.claimed', claimed, '{senior}', true, jsonb_build_object('state', 'claimed', 'assignee_id', '{senior}')),
    (4, 'step.added', worked, '{senior}', false, jsonb_build_object('number', 1)),
    (5, 'session.resolved', resolved, '{senior}', false, jsonb_build_object('status', 'resolved'))
) AS happened (place, kind, at, by_user_id, handed, changed);
UPDATE flowpilot.event_counter SET number = {count} * 5 WHERE account_id = '{account}'
"""
TABLES = ("session", "handoff", "event")
"""That get most of the rows."""


@frozen(kw_only=True)
class AnswerFigure:
    """Seconds for one answer, beside the recount's."""

    of: Subject
    group_by: GroupBy | None
    took: float
    ratio: float


@frozen(kw_only=True)
class InsightsFigure:
    """What a year comes to."""

    escalations: int
    recount: float
    answers: tuple[AnswerFigure, ...]

    @property
    def worst(self) -> AnswerFigure:
        """The answer that takes longest."""
        return max(self.answers, key=lambda answer: answer.ratio)


async def measure(a_day: int, *, rounds: int, said: Callable[[str], None]) -> InsightsFigure:
    """A year of so many escalations a day, counted by the product and from all events."""
    async with a_product() as product:
        accounts, database = product.flowpilot.accounts, product.database
        account_id = (await accounts.create("A year")).id
        junior, senior = [
            await accounts.add_user(account_id, email=f"{name}@bench.example", name=name, role=Role.ENGINEER)
            for name in ("junior", "senior")
        ]
        said(f"making a year of {a_day:,} escalations a day")
        values = {"account": account_id, "junior": junior.id, "senior": senior.id, "count": a_day * DAYS, "start": START}
        product.fill(TEAMS.format(**values) + ";" + SEED.format(**values, seconds=86_400 / a_day), *TABLES)
        said("counting it from all events")
        recount = await _recounted(database, account_id)
        answers = [
            await _answered(database, account_id, subject, group_by, recount, rounds=rounds, said=said)
            for subject, ways in GROUPS.items()
            for group_by in (None, *ways)
        ]
    return InsightsFigure(escalations=a_day * DAYS, recount=recount, answers=tuple(answers))


def _year(subject: Subject, group_by: GroupBy | None) -> Question:
    return Question(subject=subject, period=Period(start=START, end=START + (DAYS + 1) * timedelta(days=1)), group_by=group_by)


async def _recounted(database: Database, account_id: AccountId) -> float:
    view, recount, number = database.view(account_id), Recount(), 0
    begun = time.perf_counter()
    while events := await view.events(after=number, limit=PAGE):
        for logged in events:
            recount.read(logged.event)
        number = events[-1].number
    facts = recount.facts(await view.untold())
    tallied(facts, _year(Subject.ESCALATIONS, None), at=datetime.now(UTC))
    return time.perf_counter() - begun


async def _answered(
    database: Database,
    account_id: AccountId,
    subject: Subject,
    group_by: GroupBy | None,
    recount: float,
    *,
    rounds: int,
    said: Callable[[str], None],
) -> AnswerFigure:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await database.view(account_id).tallies(_year(subject, group_by), None, at=datetime.now(UTC), most=MOST_GROUPS)
        times.append(time.perf_counter() - begun)
    took = median(times)
    said(f"{subject} by {group_by or 'nothing'}: {took:.2f} s, {took / recount:.4f} of the recount")
    return AnswerFigure(of=subject, group_by=group_by, took=took, ratio=took / recount)


def main() -> int:
    """Measure, and print a line an answer, or one line of JSON; 1 where an answer takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m bench.insights", description="Figures of a year, beside counting all events.")
    parser.add_argument("--a-day", type=int, default=A_DAY, help="escalations a day")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each answer; the middle one counts")
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    figure = asyncio.run(measure(arguments.a_day, rounds=arguments.rounds, said=console.log))
    worst = figure.worst
    if arguments.json:
        answers = {f"{one.of} by {one.group_by}": round(one.ratio, 5) for one in figure.answers}
        print(json.dumps({"escalations": figure.escalations, "recount_s": round(figure.recount, 1), "ratios": answers, "at_most": MOST}))
    else:
        console.print(
            f"{figure.escalations:,} escalations: a recount takes {figure.recount:.1f} s, the slowest answer"
            f" ({worst.of} by {worst.group_by}) {worst.took:.2f} s: {worst.ratio:.4f} of it, {MOST:.4f} at most"
        )
    return int(worst.ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
