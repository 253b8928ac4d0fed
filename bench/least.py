"""The limit: the least that the database has to do for the same job, on tables of its own, in as few round trips as can be.

One pipelined trip for each path, two for an escalation, which has to read before it writes. Row security is on and forced, the
role cannot pass it, and every key begins with the account. There are no idempotency keys, tokens, logs or HTTP.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import psycopg
from psycopg.sql import SQL

from flowpilot_adapters.embedded_postgres import Address, Binaries

DATABASE: Final = "least"
ROLE: Final = "least"
CLIENTS: Final = 8
ACCOUNTS: Final = 50
PEOPLE: Final = 6
STEPS: Final = 12
BRANCHES: Final = 3
WAITING: Final = 10_000
"""Open escalations of the account whose queue is read; it comes after the others."""

PERSON, SESSION, BRANCH, STEP, HANDOFF = range(1, 6)


def uuid_of(kind: int, number: int) -> str:
    """The id of the thing of that kind and number."""
    return f"00000000-000{kind}-7000-8000-{number:012x}"


def _uuid(kind: int, number: str) -> str:
    """The same in SQL, of a number that SQL knows."""
    return f"('00000000-000{kind}-7000-8000-' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid"


def _account(number: str) -> str:
    return _uuid(0, number)


SCHEMA: Final = """
CREATE TABLE person (account_id uuid, id uuid UNIQUE, name text NOT NULL, PRIMARY KEY (account_id, id));
CREATE TABLE session (account_id uuid, id uuid, version int NOT NULL, status text NOT NULL, title text NOT NULL, problem text NOT NULL,
  client_name text, priority smallint NOT NULL, assignee_id uuid NOT NULL, package json, created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL, PRIMARY KEY (account_id, id)) WITH (fillfactor = 80);
CREATE TABLE branch (account_id uuid, session_id uuid, id uuid, number smallint NOT NULL, label text NOT NULL, hypothesis text,
  state text NOT NULL, PRIMARY KEY (account_id, session_id, id));
CREATE TABLE step (account_id uuid, session_id uuid, id uuid, branch_id uuid NOT NULL, number smallint NOT NULL, kind text NOT NULL,
  content text NOT NULL, result text, created_at timestamptz NOT NULL, PRIMARY KEY (account_id, session_id, id));
CREATE TABLE handoff (account_id uuid, id uuid, version int NOT NULL DEFAULT 1, session_id uuid NOT NULL, state text NOT NULL,
  reason text NOT NULL, priority smallint NOT NULL, title text NOT NULL, client_name text, escalated_by uuid NOT NULL,
  escalated_by_name text NOT NULL, escalated_at timestamptz NOT NULL DEFAULT now(), claimed_by uuid, claimed_at timestamptz,
  branch_count smallint NOT NULL, step_count smallint NOT NULL, PRIMARY KEY (account_id, id)) WITH (fillfactor = 80);
CREATE TABLE snapshot (account_id uuid, handoff_id uuid, digest bytea NOT NULL, body json NOT NULL, PRIMARY KEY (account_id, handoff_id));
CREATE TABLE event (account_id uuid, id bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, handoff_id uuid NOT NULL,
  PRIMARY KEY (account_id, id));
CREATE TABLE work (account_id uuid, id bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, person_id uuid, handoff_id uuid NOT NULL,
  due_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (account_id, id));
CREATE FUNCTION enter(who uuid) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public AS
  $$ SELECT name || set_config('least.account_id', account_id::text, true) FROM person WHERE id = who $$;
"""

KEYS: Final = """
ALTER TABLE branch ADD FOREIGN KEY (account_id, session_id) REFERENCES session;
ALTER TABLE step ADD FOREIGN KEY (account_id, session_id) REFERENCES session;
ALTER TABLE handoff ADD FOREIGN KEY (account_id, session_id) REFERENCES session;
ALTER TABLE snapshot ADD FOREIGN KEY (account_id, handoff_id) REFERENCES handoff;
CREATE INDEX ON handoff (account_id, priority, escalated_at, id) INCLUDE (session_id, title, client_name, escalated_by_name, reason,
  branch_count, step_count) WHERE state = 'open';
CREATE INDEX ON work (due_at);
"""
TABLES: Final = ("person", "session", "branch", "step", "handoff", "snapshot", "event", "work")
OWN: Final = "account_id = nullif(current_setting('least.account_id', true), '')::uuid"

READ_SESSION: Final = f"""
SELECT json_build_object('id', s.id, 'version', s.version, 'status', s.status, 'title', s.title, 'problem', s.problem,
  'client_name', s.client_name, 'priority', s.priority, 'assignee_id', s.assignee_id, 'created_at', s.created_at,
  'branches', (SELECT json_agg(json_build_object('id', b.id, 'label', b.label, 'hypothesis', b.hypothesis, 'state', b.state)
    ORDER BY b.number) FROM branch b WHERE b.account_id = s.account_id AND b.session_id = s.id),
  'steps', (SELECT json_agg(json_build_object('id', t.id, 'branch_id', t.branch_id, 'number', t.number, 'kind', t.kind,
    'content', t.content, 'result', t.result, 'created_at', t.created_at)
    ORDER BY t.number) FROM step t WHERE t.account_id = s.account_id AND t.session_id = s.id))
FROM session s WHERE {OWN} AND s.id = {{session}}"""
ESCALATE: Final = f"""
WITH moved AS (UPDATE session SET status = 'escalated', version = version + 1, updated_at = now(), package = '{{{{"reason": "stuck"}}}}'
    WHERE {OWN} AND id = {{session}} AND version = 1 AND status = 'active' RETURNING account_id, id, title, client_name, priority),
  handed AS (INSERT INTO handoff (account_id, id, session_id, state, reason, priority, title, client_name, escalated_by,
      escalated_by_name, branch_count, step_count)
    SELECT account_id, gen_random_uuid(), id, 'open', 'I am out of ideas', priority, title, client_name, {{by}}, 'Junior',
      {BRANCHES}, {STEPS} FROM moved RETURNING account_id, id),
  frozen AS (INSERT INTO snapshot SELECT account_id, id, decode(repeat('ab', 32), 'hex'), :body::json FROM handed),
  logged AS (INSERT INTO event (account_id, kind, handoff_id) SELECT account_id, 'handoff.escalated', id FROM handed)
INSERT INTO work (account_id, kind, person_id, handoff_id)
  SELECT h.account_id, 'mail', p.id, h.id FROM handed h JOIN person p ON p.account_id = h.account_id AND p.id <> {{by}}
  UNION ALL SELECT h.account_id, k, NULL, h.id FROM handed h, unnest(ARRAY['push', 'assessment', 'note']) k"""
CLAIM: Final = f"""
WITH taken AS (UPDATE handoff SET state = 'claimed', claimed_by = {{by}}, claimed_at = now(), version = version + 1
    WHERE {OWN} AND id = {{handoff}} AND state = 'open' AND escalated_by <> {{by}}
    RETURNING account_id, id, session_id, claimed_at, version),
  moved AS (UPDATE session s SET assignee_id = {{by}}, status = 'active', version = s.version + 1, updated_at = now()
    FROM taken t WHERE s.account_id = t.account_id AND s.id = t.session_id),
  logged AS (INSERT INTO event (account_id, kind, handoff_id) SELECT account_id, 'handoff.claimed', id FROM taken),
  due AS (INSERT INTO work (account_id, kind, handoff_id) SELECT account_id, k, id FROM taken, unnest(ARRAY['push', 'note']) k)
SELECT row_to_json(taken) FROM taken"""
READ_HANDOFF: Final = f"SELECT row_to_json(h) FROM (SELECT state, claimed_by, claimed_at FROM handoff WHERE {OWN} AND id = {{handoff}}) h"
READ_QUEUE: Final = f"""
SELECT json_agg(row_to_json(q)) FROM (SELECT id, session_id, title, client_name, escalated_by_name, reason, priority, escalated_at,
  branch_count, step_count, extract(epoch FROM now() - escalated_at)::int AS waiting_seconds FROM handoff WHERE {OWN} AND state = 'open'
  AND (priority, escalated_at, id) > (:priority::smallint, now() - make_interval(secs => :ago::int), '{uuid_of(0, 0)}'::uuid)
  ORDER BY priority, escalated_at, id LIMIT 50) q"""


def fill(address: Address, *, escalations: int, claims: int) -> None:
    """Make the database: sessions 0 to `escalations` to escalate and to read, then handoffs 0 to `claims` to claim, then the queue."""
    with psycopg.connect(address.url(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE least"))
        connection.execute(SQL("CREATE ROLE least LOGIN"))
    last = escalations + claims + WAITING
    account = f"CASE WHEN n < {escalations + claims} THEN n % {ACCOUNTS} ELSE {ACCOUNTS} END"
    owner = _uuid(PERSON, f"({account}) * {PEOPLE}")
    session = _uuid(SESSION, "n")
    numbers = f"generate_series(0, {last - 1}) n"
    handed = f"generate_series({escalations}, {last - 1}) n"
    branch = f"generate_series(0, {BRANCHES - 1}) b"
    step = f"generate_series(0, {STEPS - 1}) t"
    status = f"CASE WHEN n < {escalations} THEN 'active' ELSE 'escalated' END"
    content = "repeat('Looked at the switch and at its log once more; ', 2) || t"
    statements = (
        f"INSERT INTO person SELECT {_account(f'p / {PEOPLE}')}, {_uuid(PERSON, 'p')}, 'Person ' || p"
        f" FROM generate_series(0, {(ACCOUNTS + 1) * PEOPLE - 1}) p",
        f"INSERT INTO session SELECT {_account(account)}, {session}, 1, {status}, 'No mail since Monday ' || n,"
        f" repeat('Nobody at the branch office gets mail. ', 4), 'Client ' || n % 37, 1 + n % 4,"
        f" {owner}, NULL, now(), now() FROM {numbers}",
        f"INSERT INTO branch SELECT {_account(account)}, {session}, {_uuid(BRANCH, f'n * {BRANCHES} + b')}, b, 'Branch ' || b,"
        f" 'The cable of floor ' || b, 'open' FROM generate_series(0, {escalations - 1}) n, {branch}",
        f"INSERT INTO step SELECT {_account(account)}, {session}, {_uuid(STEP, f'n * {STEPS} + t')},"
        f" {_uuid(BRANCH, f'n * {BRANCHES} + t % {BRANCHES}')}, t, 'action', {content}, 'failed', now()"
        f" FROM generate_series(0, {escalations - 1}) n, {step}",
        "INSERT INTO handoff (account_id, id, session_id, state, reason, priority, title, client_name, escalated_by, escalated_by_name,"
        f" escalated_at, branch_count, step_count) SELECT {_account(account)}, {_uuid(HANDOFF, 'n')}, {session}, 'open',"
        f" 'I am out of ideas', 1 + n % 4, 'No mail since Monday ' || n, 'Client ' || n % 37, {owner}, 'Junior',"
        f" now() - make_interval(secs => 60 + n % 7919),"
        f" {BRANCHES}, {STEPS} FROM {handed}",
        KEYS,
        *(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY" for table in TABLES),
        *(f"CREATE POLICY own ON {table} USING ({OWN})" for table in TABLES),
        *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}" for table in TABLES),
        "VACUUM ANALYZE",
    )
    with psycopg.connect(address.url(database=DATABASE), autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        for statement in statements:
            connection.execute(statement.encode())


def scripts(folder: Path, *, escalations: int) -> dict[str, Path]:
    """A file for pgbench for each path, which does it for the things numbered from `:first` on."""
    owner = _uuid(PERSON, f"(:n % {ACCOUNTS}) * {PEOPLE}")
    session = _uuid(SESSION, ":n")
    # As ours: of two colleagues who try each claim, one is first.
    claimer = _uuid(PERSON, f"(:h % {ACCOUNTS}) * {PEOPLE} + 1 + :client_id % 2")
    handoff = _uuid(HANDOFF, ":h")
    own, pair = (
        [r"\set i :i + 1", r"\set n :first + :client_id * :each + :i"],
        [r"\set i :i + 1", r"\set h :first + :client_id / 2 * :each + :i"],
    )
    begin, end = [r"\startpipeline"], [r"\endpipeline"]

    def enter(who: str) -> str:
        return f"SELECT enter({who});"

    reading = READ_SESSION.format(session=session)
    texts = {
        "escalate": [
            *(*own, *begin, "BEGIN;", enter(owner), f"{reading};", *end),
            *(*begin, f"{ESCALATE.format(session=session, by=owner)};", "COMMIT;", *end),
        ],
        "claim": [
            *(*pair, *begin, enter(claimer)),
            *(f"{CLAIM.format(handoff=handoff, by=claimer)};", f"{READ_HANDOFF.format(handoff=handoff)};", *end),
        ],
        "queue": [
            *(r"\set priority random(0, 2)", r"\set ago random(60, 7000)", *begin),
            *(enter(f"'{uuid_of(PERSON, ACCOUNTS * PEOPLE + 1)}'::uuid"), f"{READ_QUEUE};", *end),
        ],
        "get session": [rf"\set n random(0, {escalations - 1})", *begin, enter(owner), f"{reading};", *end],
    }
    files = {}
    for path, lines in texts.items():
        files[path] = folder / f"least-{path.replace(' ', '-')}.sql"
        files[path].write_text("\n".join(re.sub(r"\s*\n\s*", " ", line).strip() for line in lines))
    return files


def pgbench(address: Address, file: Path, *, transactions: int, first: int, body: str) -> float:
    """Transactions a second of `file`, over 8 clients that do `transactions` together, from number `first` on; `body` is a snapshot."""
    each = transactions // CLIENTS
    done = subprocess.run(
        [
            str(Binaries.find().folder / "pgbench"),
            *("--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=1", f"--transactions={each}"),
            *(f"--define=first={first}", f"--define=each={each}", "--define=i=-1", f"--define=body={body}", f"--file={file}"),
            address.url(user=ROLE, database=DATABASE),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGOPTIONS": ""},
    )
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    processed = re.search(r"actually processed: (\d+)/", done.stdout)
    if done.returncode or not found or not processed or int(processed[1]) != each * CLIENTS:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:] or done.stdout[-2000:]}")
    return float(found[1])
