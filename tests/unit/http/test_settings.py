"""Settings: read from the environment, shown without their secrets."""

import json
import os
import re
import stat
from pathlib import Path

import attrs
import pytest
from typer.testing import CliRunner

from flowpilot_adapters.sql import Database
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_http import main
from flowpilot_http.cli.program import program
from flowpilot_http.main import secret_key
from flowpilot_http.main.failures import CannotRun
from flowpilot_http.settings import Settings, SettingsWrong, shown, unread, variable

KEY = "k" * 32


def test_with_nothing_said_the_database_is_embedded_and_mails_go_to_the_log() -> None:
    settings = Settings.of({"FLOWPILOT_SMTP_URL": "", "FLOWPILOT_DATABASE_URL": " "})

    assert (True, None, None, 8, "info") == (
        settings.embedded,
        settings.database_url,
        settings.smtp_url,
        settings.pool_size,
        settings.log_level,
    )
    assert settings.data_dir.is_absolute()
    assert "flowpilot" == settings.data_dir.name


def test_what_is_said_is_read() -> None:
    settings = Settings.of(
        {
            "FLOWPILOT_DATABASE_URL": "postgresql://flowpilot_app@db/flowpilot",
            "FLOWPILOT_DATA_DIR": "/srv/flowpilot",
            "FLOWPILOT_BASE_URL": "https://flowpilot.example.test/",
            "FLOWPILOT_LOG_LEVEL": "DEBUG",
            "FLOWPILOT_SECRET_KEY": KEY,
        }
    )

    assert (False, Path("/srv/flowpilot"), "https://flowpilot.example.test", "debug", KEY) == (
        settings.embedded,
        settings.data_dir,
        settings.base_url,
        settings.log_level,
        settings.secret_key,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool_size", "0"),
        ("pool_size", "many"),
        ("pool_size", "201"),
        ("connections", "-1"),
        ("connections_per_address", "many"),
        ("streams_per_account", "1000001"),
        ("streams_per_person", "9" * 5_000),
        ("log_level", "loud"),
        ("base_url", "flowpilot.example.test"),
        ("base_url", "ftp://flowpilot.example.test"),
        ("secret_key", "canary"),
        ("assistant", "gpt"),
        ("assistant", "mistral:a-model"),
        ("assistant", "openai:a,openai:b,anthropic:c"),
        ("assistant_tokens", "-1"),
        ("assistant_prices", "anthropic:x=free"),
        ("openai_base_url", "localhost"),
        ("database_url", "canary"),
        ("database_url", "mysql://flowpilot_app:canary@db/flowpilot"),
        ("database_url", "postgresql://flowpilot_app:can/ary@db:5432/flowpilot"),
        ("relay_database_url", "db.example.test"),
        ("migration_database_url", "postgresql://db:port/flowpilot"),
        ("smtp_url", "mail.example.test"),
        ("smtp_url", "smtp://me:can#ary@mail.example.test"),
        ("smtp_url", "smtp://mail.example.test:0"),
        ("nats_url", "nats://me:can/ary@nats.example.test:4222"),
        ("mail_from", "FlowPilot"),
        ("mail_only_to", "acme.test"),
        ("mail_only_to", "ops@acme.test,"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name_and_never_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsWrong, match=variable(name)) as refused:
        Settings.of({variable(name): value})

    assert name == "pool_size" or value not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://flowpilot_app:secret@db/flowpilot?sslmode=verify-full",
        "postgres://one:5432,two:5433/flowpilot?target_session_attrs=read-write",
        "postgresql://flowpilot_app@[::1]:5432/flowpilot",
        "postgresql:///flowpilot?host=/var/run/postgresql",
        "host=db user=flowpilot_app dbname=flowpilot",
    ],
)
def test_whatever_libpq_takes_names_a_database(value: str) -> None:
    assert value == Settings.of({"FLOWPILOT_DATABASE_URL": value}).database_url


def test_models_are_named_in_order_of_preference_with_what_they_cost() -> None:
    settings = Settings.of(
        {
            "FLOWPILOT_ASSISTANT": "anthropic:a-model, openai:b:latest,rules",
            "FLOWPILOT_ASSISTANT_PRICES": "openai:b:latest=0.5/2",
            "ANTHROPIC_API_KEY": "canary",
            "OPENAI_BASE_URL": "http://localhost:11434/v1/",
        }
    )

    assert [("anthropic", "a-model"), ("openai", "b:latest")] == settings.models
    assert (None, (500_000, 2_000_000)) == (settings.price("anthropic", "a-model"), settings.price("openai", "b:latest"))
    assert ("canary", "http://localhost:11434/v1") == (settings.anthropic_api_key, settings.openai_base_url)
    assert [] == Settings.of({}).models


@pytest.mark.anyio
async def test_a_model_with_its_key_is_the_vendors() -> None:
    named = {"FLOWPILOT_ASSISTANT": "anthropic:a,openai:b", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
    found = main.speakers(Settings.of(named))

    assert [("anthropic", "a"), ("openai", "b")] == [(one.provider, one.model) for one in found]
    for one in found:
        await one.close()


@pytest.mark.parametrize("model", ["anthropic:a-model", "openai:b-model"])
def test_a_model_without_its_key_is_said_to_need_it(model: str) -> None:
    settings = Settings.of({"FLOWPILOT_ASSISTANT": model})

    with pytest.raises(CannotRun, match=f"{model.partition(':')[0].upper()}_API_KEY"):
        main.speakers(settings)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsWrong) as refused:
        Settings.of({"FLOWPILOT_POOL_SIZE": "0", "FLOWPILOT_SECRET_KEY": KEY, "FLOWPILOT_SECRET_KEY_FILE": "/key"})

    assert 2 == len(str(refused.value).splitlines())


def test_no_secret_is_shown_and_none_is_in_a_repr() -> None:
    settings = Settings.of(
        {
            "FLOWPILOT_DATABASE_URL": "postgresql://app:canary@db:5432/flowpilot?sslmode=require",
            "FLOWPILOT_RELAY_DATABASE_URL": "postgresql://relay@db/flowpilot?password=canary",
            "FLOWPILOT_MIGRATION_DATABASE_URL": "host=db password=canary",
            "FLOWPILOT_SMTP_URL": "smtps://me:canary@mail.example.test",
            "FLOWPILOT_SECRET_KEY": "canary" * 6,
        }
    )

    told = {one.name: one.value for one in shown(settings)}

    assert "canary" not in repr(settings) + json.dumps(told)
    assert "postgresql://app:…@db:5432/flowpilot" == told["FLOWPILOT_DATABASE_URL"]
    assert "smtps://me:…@mail.example.test" == told["FLOWPILOT_SMTP_URL"]
    assert all(field.repr is not field.metadata["secret"] for field in attrs.fields(Settings))


def test_a_variable_that_nobody_reads_is_noticed() -> None:
    said = unread({"FLOWPILOT_DATABSE_URL": "x", "FLOWPILOT_DATA_DIR": "/x", "FLOWPILOT_CLIENT_SECRET": "of one command", "PATH": "/bin"})

    assert ["FLOWPILOT_DATABSE_URL is set, but nothing reads it; did you mean FLOWPILOT_DATABASE_URL?"] == list(map(str, said))


def test_a_variable_that_is_like_none_of_ours_is_named_alone() -> None:
    assert ["FLOWPILOT_X is set, but nothing reads it"] == list(map(str, unread({"FLOWPILOT_X": "1"})))


def test_config_shows_every_setting_and_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one.name for one in unread(os.environ)]:  # What the tests themselves are told.
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOWPILOT_SECRET_KEY", "canary" * 6)
    monkeypatch.setenv("FLOWPILOT_COLOUR", "red")

    table, line = CliRunner().invoke(program, ["config"]), CliRunner().invoke(program, ["config", "--json"])

    told = json.loads(line.stdout)
    assert (0, 0, 1) == (table.exit_code, line.exit_code, len(line.stdout.splitlines()))
    assert [variable(field.name) for field in attrs.fields(Settings)] == [one["name"] for one in told["settings"]]
    assert all(one["explanation"] for one in told["settings"])
    assert ["FLOWPILOT_COLOUR"] == told["unread"]
    assert "canary" not in table.output + line.output


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_config_fits_a_terminal_and_breaks_no_name(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    lines = CliRunner().invoke(program, ["config"]).output.splitlines()

    assert columns >= max(len(line) for line in lines if line.startswith(" "))
    assert [variable(field.name) for field in attrs.fields(Settings)] == [
        re.split(r"=| is not set", line)[0] for line in lines if not line.startswith((" ", "flowpilot:"))
    ]


def test_config_ends_with_1_where_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWPILOT_POOL_SIZE", "none")

    ended = CliRunner().invoke(program, ["config", "--json"])

    assert 1 == ended.exit_code
    assert ["FLOWPILOT_POOL_SIZE must be a number from 1 to 200"] == json.loads(ended.stdout)["wrong"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["account"],
        ["account", "create"],
        ["token", "revoke", "nonsense", "--account", "01998c2e-7a10-7000-8000-000000000001"],
        ["user", "create", "--account", "01998c2e-7a10-7000-8000-000000000001", "--email", "a@b.test", "--name", "A", "--role", "boss"],
        ["token", "create"],
        ["serve", "--port", "port"],
        ["nonsense"],
    ],
)
def test_a_wrong_call_ends_with_2(arguments: list[str]) -> None:
    assert 2 == CliRunner().invoke(program, arguments).exit_code


def test_the_embedded_databases_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    first, second = secret_key(settings), secret_key(settings)

    assert first == second
    assert [("secret_key", 0o600)] == [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in tmp_path.iterdir()]
    assert 64 == len(first)


def test_a_key_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")

    assert KEY.encode() == secret_key(Settings(secret_key_file=file, database_url="postgresql://db/x"))


def test_a_key_that_is_missing_or_too_short_is_said(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short")
    server = "postgresql://db/x"

    for settings in (
        Settings(database_url=server),
        Settings(database_url=server, secret_key_file=tmp_path / "none"),
        Settings(secret_key_file=short),
    ):
        with pytest.raises(CannotRun, match=r"secret|SECRET"):
            secret_key(settings)


@pytest.mark.anyio
async def test_patience_with_a_database_that_never_answers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """F09"""
    monkeypatch.setattr("flowpilot_http.main.database.PATIENCE", -1.0)
    nowhere = "postgresql://flowpilot_app@127.0.0.1:1/flowpilot"

    with pytest.raises(CannotRun, match="did not answer"):
        await main.serve(Settings(database_url=nowhere, secret_key=KEY), host="127.0.0.1", port=0, relay=False)


@pytest.mark.anyio
async def test_a_database_that_does_not_answer_is_unavailable_not_a_crash() -> None:
    database = Database("postgresql://flowpilot_app@127.0.0.1:1/flowpilot", pool_size=1)

    with pytest.raises(Unavailable):
        await database.is_at_head()
    await database.close()
