"""`doctor`, readiness and every other command say what is wrong, and call nothing well that is not."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from flowpilot_adapters.sql import roles
from tests.support.mail_server import AUTHORITY, ELSEWHERE, LOCALHOST, Fault, ScriptedServer
from tests.support.postgres import PostgresDatabase, running_server, set_up
from tests.support.serving import named, ran, running, said, serving

pytestmark = pytest.mark.anyio

NOBODY_LISTENS = "smtp://127.0.0.1:1"


def found(check: str, **settings: str) -> Mapping[str, Any]:
    """What `doctor` says of one thing."""
    told = json.loads(ran("doctor", "--json", **settings).stdout)
    one: Mapping[str, Any]
    (one,) = [one for one in told["checks"] if one["check"] == check]
    assert one["ok"] or not told["ok"]
    return one


async def mail(server: ScriptedServer, database: PostgresDatabase, **more: str) -> Mapping[str, Any]:
    settings = named(database) | {"smtp_url": server.url} | more
    return await asyncio.to_thread(lambda: found("mail", **settings))


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_mail_server_that_is_ready_is_well_and_gets_no_mail(database: PostgresDatabase) -> None:
    async with ScriptedServer().running() as server:
        one = await mail(server, database)

    assert (True, None, None) == (one["ok"], one["problem"], one["warning"])
    assert ["EHLO", "QUIT"] == [line.split()[0] for line in server.commands]


async def test_workers_that_want_more_connections_than_there_are_are_told_of(database: PostgresDatabase) -> None:
    well = found("connections", **named(database), workers="2")
    many = found("connections", **named(database), workers="20", pool_size="10")

    assert (True, None) == (well["ok"], well["warning"])
    assert many["ok"]
    assert "20 workers may open 325 connections to the database" in many["warning"]


async def test_a_mail_server_over_tls_is_signed_in_to(database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    async with ScriptedServer(tls=tls(LOCALHOST), extensions=("AUTH PLAIN",)).running() as server:
        one = await mail(server, database, smtp_url=f"smtp://jo:secret@localhost:{server.port}")

    assert one["ok"], one["problem"]
    assert ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"] == [line.split()[0] for line in server.commands]


@pytest.mark.parametrize(
    ("verb", "action", "problem"),
    [
        ("CONNECT", "554 go away", "the mail server is not ready for mail: 554 go away"),
        ("CONNECT", Fault.HANG_UP, "the mail server closed the connection"),
        ("AUTH", "535 5.7.8 who?", "the mail server refused our sign-in (535): its user or password must be corrected"),
    ],
)
async def test_a_mail_server_that_would_take_no_mail_is_found(
    database: PostgresDatabase, verb: str, action: str | Fault, problem: str
) -> None:
    async with ScriptedServer(extensions=("AUTH PLAIN",)).running() as server:
        server.on(verb, action)
        one = await mail(server, database, smtp_url=f"smtp://jo:secret@localhost:{server.port}")

    assert (False, problem) == (one["ok"], one["problem"])


async def test_a_certificate_that_is_another_hosts_is_found(database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    async with ScriptedServer(tls=tls(ELSEWHERE)).running() as server:
        one = await mail(server, database)

    assert not one["ok"]
    assert "the mail server's certificate is not accepted" in one["problem"]


def test_a_mail_server_that_refuses_the_connection_is_found(database: PostgresDatabase) -> None:
    ended = ran("doctor", **named(database), smtp_url=NOBODY_LISTENS)

    assert 1 == ended.returncode
    assert "WRONG  mail: the mail server refused the connection\n" in ended.stdout


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant_and_mails_to_the_log_are_said(database: PostgresDatabase) -> None:
    ended = ran("doctor", **named(database), smpt_url=NOBODY_LISTENS)

    assert 0 == ended.returncode
    misspelt = "FLOWPILOT_SMPT_URL is set, but nothing reads it; did you mean FLOWPILOT_SMTP_URL?"
    assert f"WARN   settings: {misspelt}\n" in ended.stdout
    assert "WARN   mail: no mail server is set, so mails go to the log and to nobody; set FLOWPILOT_SMTP_URL\n" in ended.stdout
    assert misspelt not in ended.stderr


@pytest.mark.parametrize("command", [["config"], ["account", "create", "Acme"], ["migrate"]], ids=" ".join)
def test_every_command_says_once_that_a_setting_is_read_by_nobody(own_database: PostgresDatabase, command: list[str]) -> None:
    # Who migrates brings the library, which every account of the database reads from then on.
    ended = ran(*command, **named(own_database), smpt_url=NOBODY_LISTENS)

    assert 0 == ended.returncode
    misspelt = "flowpilot: FLOWPILOT_SMPT_URL is set, but nothing reads it; did you mean FLOWPILOT_SMTP_URL?"
    assert [misspelt] == ended.stderr.splitlines()


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["relay"]], ids=" ".join)
def test_what_keeps_running_logs_it(database: PostgresDatabase, command: list[str]) -> None:
    settings = named(database) | {"base_url": "https://flowpilot.example", "smpt_url": NOBODY_LISTENS}
    with running(*command, **settings) as process:
        line = process.says("a setting that nothing reads")

    assert ("warning", "FLOWPILOT_SMPT_URL", "FLOWPILOT_SMTP_URL") == (line["level"], line["setting"], line["meant"])


@pytest.mark.parametrize(("mode", "well"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)])
@pytest.mark.parametrize("which", ["secret_key_file", "secret_key_previous_file"])
def test_a_key_file_that_others_may_read_is_found(database: PostgresDatabase, tmp_path: Path, which: str, mode: int, well: bool) -> None:
    file, own = tmp_path / "key", tmp_path / "own"
    for key in (file, own):
        key.write_text("k" * 32)
        key.chmod(0o600)
    file.chmod(mode)
    settings = {name: value for name, value in named(database).items() if name != "secret_key"}

    one = found("secret key", **(settings | {"secret_key_file": str(own)} | {which: str(file)}))

    assert well is one["ok"]
    if not well:
        assert f"not only its owner may read {file} (mode {mode:04o})" == one["problem"]
        assert f"Run: chmod 600 {file}" == one["remedy"]


def test_relays_that_rest_are_told_of_with_the_reason(own_database: PostgresDatabase) -> None:
    """F48: by the doctor and by readiness; requests are answered all the same."""
    settings = named(own_database)
    with ExitStack() as stack:
        client = stack.enter_context(serving(**settings)).client()
        before = client.get("/health/ready").json()
        said("relay", "pause", "moving house", **settings)
        meanwhile = client.get("/health/ready")
        one = found("relay", **settings)
        said("relay", "resume", **settings)
        after = client.get("/health/ready").json()

    assert before["checks"] == after["checks"] == {"database": "ok", "migrations": "ok", "relay": "ok"}
    assert before["relays_rest_because"] is after["relays_rest_because"] is None
    assert (200, "ready", "moving house") == (
        meanwhile.status_code,
        meanwhile.json()["status"],
        meanwhile.json()["relays_rest_because"],
    )
    assert "relays are paused: moving house" == meanwhile.json()["checks"]["relay"]
    assert (False, "relays are paused, and nothing is sent: moving house") == (one["ok"], one["problem"])
    assert "When it is clear what may be sent again, run: flowpilot relay resume" == one["remedy"]


@pytest.mark.parametrize(
    "command", [["account", "create", "Acme"], ["deliveries", "drain"], ["relay", "resume"], ["secrets", "rotate"]], ids=" ".join
)
def test_a_database_that_does_not_answer_is_said_in_words(database: PostgresDatabase, command: list[str]) -> None:
    nowhere = "postgresql://flowpilot_app@127.0.0.1:1/flowpilot"
    settings = named(database) | {"base_url": "https://flowpilot.example", "database_url": nowhere, "relay_database_url": nowhere}

    ended = ran(*command, **settings)

    assert 1 == ended.returncode
    assert ended.stderr.startswith("flowpilot: the database does not answer (connection ")
    assert "Error:" not in ended.stderr


def test_a_link_to_a_server_that_does_not_run_says_so(database: PostgresDatabase) -> None:
    settings = named(database)
    account = said("account", "create", "Acme", **settings)["id"]
    person = ["user", "create", "--account", account, "--email", "jo@acme.test", "--name", "Jo", "--role", "engineer"]
    user = said(*person, **settings)["id"]
    link = ["sign-in-link", "--account", account, "--user", user]

    nowhere = ran(*link, **settings, base_url="http://127.0.0.1:1")
    with serving(**settings) as server:
        there = ran(*link, **settings, base_url=str(server.client().base_url).rstrip("/"))

    assert "flowpilot: nothing answers at http://127.0.0.1:1: the link works once `flowpilot serve` runs there\n" == nowhere.stderr
    assert ("", "") == (there.stderr, nowhere.stdout.partition("http://127.0.0.1:1/sign-in-link/")[0])


def test_an_address_that_is_taken_is_said_as_a_sentence(database: PostgresDatabase) -> None:
    settings = named(database)
    account = said("account", "create", "Acme", **settings)["id"]
    person = ["user", "create", "--account", account, "--email", "jo@acme.test", "--name", "Jo", "--role", "engineer"]
    said(*person, **settings)

    ended = ran(*person, **settings)

    assert (2, "flowpilot: email is already used by somebody in this account\n") == (ended.returncode, ended.stderr)


def test_settings_that_a_role_has_changed_of_its_own_are_found_and_mended_by_setting_up_again(own_database: PostgresDatabase) -> None:
    """A49: the application's role does both itself, which PostgreSQL lets it."""
    where = f"flowpilot_app IN DATABASE {own_database.name}"
    well = found("role settings", **named(own_database))

    own_database.do(f"ALTER ROLE {where} SET statement_timeout = 0", f"ALTER ROLE {where} SET search_path = evil", user=roles.APP)
    changed = found("role settings", **named(own_database))
    set_up(own_database)
    left = found("role settings", **named(own_database))
    own_database.do(f"ALTER ROLE {where} RESET search_path")

    assert (True, None, None, None) == (well["ok"], well["problem"], well["warning"], well["note"])
    assert (False, "flowpilot_app: statement_timeout is 0, not 10s") == (changed["ok"], changed["problem"])
    assert left["ok"]
    assert "flowpilot_app: search_path is evil, which the set-up of the roles does not say" in left["warning"]
    assert () == roles.drift(own_database.app)


def test_a_setting_that_is_gone_is_found(tmp_path: Path) -> None:
    """A49: and a password that its role could change is told of, with what to do."""
    with running_server(tmp_path) as server:
        database = server.database()
        database.do("ALTER ROLE flowpilot_app RESET lock_timeout", user=roles.APP)
        database.do("ALTER ROLE flowpilot_app PASSWORD 'x'", user=roles.APP)
        rules = Path(database.do("SHOW hba_file")[0][0])
        rules.write_text(f"local all flowpilot_app scram-sha-256\n{rules.read_text()}")
        database.do("SELECT pg_reload_conf()")
        settings = named(database) | {"database_url": make_conninfo(database.app, password="x")}

        gone = found("role settings", **settings)
        set_up(database)
        told = found("role settings", **settings)

    assert "flowpilot_app: lock_timeout is not set, not 3s" == gone["problem"]
    assert told["ok"]
    assert "flowpilot_app signs in with a password, and PostgreSQL lets every role change its own" in told["note"]
