"""How PostgreSQL finds the rows of the hot paths: by the key they are meant to be found by, whatever it knows of the tables."""

import re
from collections.abc import Iterator
from itertools import takewhile

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from flowpilot_adapters.sql.access import view as access_view
from flowpilot_adapters.sql.assistant import assessments, suggestions
from flowpilot_adapters.sql.handoffs import claim_watches, handoffs, queue
from flowpilot_adapters.sql.handoffs import view as handoffs_view
from flowpilot_adapters.sql.insights import search, search_index
from flowpilot_adapters.sql.kernel import events
from flowpilot_adapters.sql.kernel import idempotency_keys as keys
from flowpilot_adapters.sql.kernel import view as kernel_view
from flowpilot_adapters.sql.notifications import deliveries, presence
from flowpilot_adapters.sql.notifications import escalation_policy as escalation
from flowpilot_adapters.sql.notifications import view as notifications_view
from flowpilot_adapters.sql.outputs import outputs
from flowpilot_adapters.sql.psa import ledger as psa_ledger
from flowpilot_adapters.sql.psa import members as psa_members
from flowpilot_adapters.sql.psa import webhooks as psa_webhooks
from flowpilot_adapters.sql.reading import ENTER_COUNTING
from flowpilot_adapters.sql.relay import outbox
from flowpilot_adapters.sql.sessions import sessions
from flowpilot_adapters.sql.sessions import view as sessions_view
from flowpilot_adapters.sql.statement import Statement
from tests.support.postgres import PostgresDatabase, PostgresServer

HOT = (
    sessions.GET_WITH_NAMES,
    sessions.BRANCHES,
    sessions.STEPS,
    sessions.HANDOFFS,
    sessions.SAVE,
    handoffs.DETAIL,
    handoffs.COLLEAGUES,
    handoffs.CLAIM_AND_LOG,
    deliveries.ADD,
    outputs.GET,
    outputs.VERSIONS,
    outputs.OF,
    outputs.VERSIONS_OF,
    outputs.SAVE,
    suggestions.OF,
    suggestions.RECORD,
    suggestions.SIMILAR,
    assessments.PAGE,
    assessments.FEEDBACK,
    claim_watches.WATCH_CLAIM,
    escalation.MEMBERS,
    escalation.TOLD_THE_SAME,
    escalation.RUN_OF,
    deliveries.MAILED,
    deliveries.WAITING,
    deliveries.CARRIED,
    events.LOG,
    psa_ledger.NOTE,
    psa_ledger.READ_TICKET,
    psa_ledger.BEHIND,
    psa_members.MATCH,
    psa_webhooks.BY,
    psa_webhooks.KNOW,
    psa_webhooks.LOOK,
    psa_webhooks.OPEN_SESSIONS,
    psa_ledger.POSTS,
    psa_ledger.CONNECTIONS,
    keys.KEPT,
    keys.KEEP,
    queue.QUEUE,
    search.ALIKE,
    search.FIND,
    search_index.KEPT,
    search_index.DROP_WORDS,
    sessions_view.OF_TICKET,
    sessions_view.SESSIONS,
    sessions_view.BRANCHES,
    sessions_view.OF_ASSIGNEE,
    sessions_view.BRANCHES_OF_ASSIGNEE,
    sessions_view.TIMELINE,
    kernel_view.EVENTS,
    notifications_view.NEWS,
    kernel_view.LAST,
    notifications_view.LEDGER,
    presence.ONLINE,
    presence.HERE,
    presence.GONE,
    handoffs_view.SNAPSHOT,
    handoffs_view.CHANGES,
    access_view.AUTHENTICATE,
    access_view.SIGNED_IN,
    access_view.STANDING,
    access_view.STILL_SIGNED_IN,
)

MANY = """
INSERT INTO flowpilot.account (account_id, name, created_at, redacts_personal, mails_a_minute)
SELECT gen_random_uuid(), 'many', now(), false, 5 FROM generate_series(1, 20);
INSERT INTO flowpilot.due_work
SELECT account_id, gen_random_uuid(), kind, now(), 0
FROM flowpilot.account, generate_series(1, 200), unnest('{delivery,beam}'::text[]) AS kind;
INSERT INTO flowpilot.person
SELECT account_id, gen_random_uuid(), number || '@x', number || '@x', 'Somebody', 'engineer', NULL, now(), false
FROM flowpilot.account, generate_series(1, 100) AS number;
SET session_replication_role = replica;
INSERT INTO flowpilot.session (account_id, id, version, status, title, problem, priority, assignee_id, parked_with, helper_ids,
  active_branch_id, step_count, latest_handoff_id, created_by, created_at, updated_at)
SELECT account_id, gen_random_uuid(), 2, 'escalated', 'x', 'x', 'normal', gen_random_uuid(), '{}', '{}', gen_random_uuid(),
  0, gen_random_uuid(), gen_random_uuid(), now(), now()
FROM flowpilot.account, generate_series(1, 200);
INSERT INTO flowpilot.handoff (account_id, id, version, session_id, intent, state, reason, priority, queue_rank, escalated_by, escalated_at,
  readers, snapshot_digest, title, headline, branch_count, step_count)
SELECT account_id, latest_handoff_id, 1, id, 'escalate', 'open', 'x', 'normal', -1, created_by, created_at, '{}', 'x', 'x', 'x', 1, 0
FROM flowpilot.session;
ANALYZE
"""

PARALLEL_IS_CHEAP = (
    "parallel_setup_cost = 0",
    "parallel_tuple_cost = 0",
    "min_parallel_table_scan_size = 0",
    "min_parallel_index_scan_size = 0",
)


@pytest.fixture(scope="module", params=["nothing", "something"])
def known(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    """A database whose tables the planner knows nothing of, and one whose tables it knows."""
    database = postgres.database()
    if request.param == "something":
        database.do(*MANY.split(";\n"))
    yield database
    postgres.drop(database)


def plan(url: str, statement: Statement, *settings: str) -> str:
    """How it is done, whatever its values."""
    types = SQL(", ").join(SQL(kind) for kind in _types(statement))
    name = Identifier("looked at")
    with psycopg.connect(url) as connection:
        for setting in ("plan_cache_mode = force_generic_plan", *settings):
            connection.execute(SQL("SET {}").format(SQL(setting)))
        prepare = SQL("PREPARE {} ({}) AS ").format(name, types) if statement.oids else SQL("PREPARE {} AS ").format(name)
        connection.execute(prepare.as_bytes(connection) + statement.text)
        values = SQL("({})").format(SQL(", ").join([Literal(None)] * len(statement.oids))) if statement.oids else SQL("")
        rows = connection.execute(SQL("EXPLAIN (COSTS OFF) EXECUTE {}").format(name) + values).fetchall()
    return "\n".join(line for (line,) in rows)


def _under(node: str, found: str) -> str:
    """The part of a plan that hands its rows to the one node of that kind."""
    before, _, after = found.partition(f"->  {node}\n")
    depth = len(before) - before.rfind("\n") - 1
    return "\n".join(takewhile(lambda line: len(line) - len(line.lstrip()) > depth, after.splitlines()))


def _types(statement: Statement) -> list[str]:
    with_names = {
        2950: "uuid",
        2951: "uuid[]",
        25: "text",
        1009: "text[]",
        1000: "bool[]",
        23: "int4",
        1007: "int4[]",
        1185: "timestamptz[]",
        21: "int2",
        20: "int8",
        701: "float8",
    }
    return [{**with_names, 16: "bool", 17: "bytea", 1001: "bytea[]", 1184: "timestamptz", 3802: "jsonb"}[oid] for oid in statement.oids]


@pytest.mark.parametrize("statement", HOT, ids=lambda statement: statement.name)
def test_no_table_is_read_whole(known: PostgresDatabase, statement: Statement) -> None:
    assert [] == re.findall("Seq Scan on .*", plan(known.app, statement))


@pytest.mark.parametrize("known", ["something"], indirect=True)
@pytest.mark.parametrize("statement", HOT, ids=lambda statement: statement.name)
def test_no_process_is_begun_for_an_answer(known: PostgresDatabase, statement: Statement) -> None:
    """Nor would one be among a million, where a page of unknown length looks like a hundred thousand."""
    assert "Gather" not in plan(known.app, statement, *PARALLEL_IS_CHEAP)


@pytest.mark.parametrize("known", ["something"], indirect=True)
def test_figures_of_years_may_have_more_than_one_process(known: PostgresDatabase) -> None:
    with psycopg.connect(known.app) as connection:
        connection.execute(ENTER_COUNTING.text.replace(b"$1", b"''"))
        found = connection.execute("SHOW max_parallel_workers_per_gather").fetchone()

    assert ("2",) == found
    assert "Gather" in plan(known.app, sessions_view.OF_ASSIGNEE, *PARALLEL_IS_CHEAP, "max_parallel_workers_per_gather = 2")


def test_the_queue_is_read_in_the_order_of_its_index(known: PostgresDatabase) -> None:
    """As far as the page goes: what people are called is looked up for those on it alone."""
    page = _under("Limit", plan(known.app, queue.QUEUE))

    assert "Index Scan using ix_handoff_queue on handoff" in page
    assert "Sort" not in page
    assert "person" not in page


def test_when_an_escalation_was_last_taken_is_the_end_of_an_index(known: PostgresDatabase) -> None:
    """An empty queue says it, whatever the account has had since it began."""
    latest = _under("Limit", plan(known.app, queue.LAST_CLAIMED))

    assert ["ix_handoff_claimed"] == re.findall("Backward using (.*) on handoff", latest)


@pytest.mark.parametrize("statement", [sessions_view.OF_ASSIGNEE, sessions_view.BRANCHES_OF_ASSIGNEE], ids=lambda statement: statement.name)
def test_a_persons_sessions_are_read_in_the_order_of_their_index(known: PostgresDatabase, statement: Statement) -> None:
    """However many there are: the page is a few steps in the index of assignees, and each of its sessions one in the key."""
    page = plan(known.app, statement)

    assert {"pk_session", "ix_session_assignee"} >= set(re.findall("using (.*) on session", page))
    assert "Index Scan Backward using ix_session_assignee" in page or "Index Only Scan Backward using ix_session_assignee" in page


@pytest.mark.parametrize("known", ["something"], indirect=True)
def test_what_is_claimed_is_found_by_its_key(known: PostgresDatabase) -> None:
    """And not in the queue, whose index it stands in too."""
    claim = plan(known.app, handoffs.CLAIM_AND_LOG)

    assert ["pk_handoff"] == re.findall("using (.*) on handoff", claim)
    assert {"pk_session"} == set(re.findall("using (.*) on session", claim))


@pytest.mark.parametrize("statement", [outbox.TAKE, outbox.LAG], ids=lambda statement: statement.name)
def test_due_work_is_found_by_when_it_is_due_and_in_a_flood_line_by_line(known: PostgresDatabase, statement: Statement) -> None:
    """F20: whatever stands in one account and for one target, the next is a step away; and what is not due yet is not passed at all."""
    hops = re.findall("using (.*) on due_work", plan(known.relay, statement))

    assert {"ix_due_work_kind_due", "ix_due_work_line", "pk_due_work"} >= set(hops)
    assert "Seq Scan" not in plan(known.relay, statement)


def test_a_kept_answer_is_found_by_its_key_and_not_among_all_of_its_person(known: PostgresDatabase) -> None:
    """However many somebody has kept since the planner last looked."""
    assert ["pk_idempotency_key"] == re.findall("using (.*) on idempotency_key", plan(known.app, keys.KEPT))


def test_a_search_fetches_texts_in_the_order_in_which_they_are_shown(known: PostgresDatabase) -> None:
    """So it ends with the page: to sort them, it would fetch those of all that have the words."""
    found = plan(known.app, search.FIND)

    assert 2 == found.count("CTE Scan on document")
    assert not re.search(r"Sort\n.*Key: .*\n(.*Key: .*\n)? *->  CTE Scan on document", found)


def test_a_search_asks_a_table_of_hashes_who_is_among_its_candidates(known: PostgresDatabase) -> None:
    """However many there are, each is asked once: the planner believes in a few, of which it would go through all for each."""
    found = plan(known.app, search.FIND)

    assert ["id", "session_id"] == re.findall(r"THEN \(ANY \((\w+) = \(hashed SubPlan", found)
