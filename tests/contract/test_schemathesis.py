"""Schemathesis against a server that runs on PostgreSQL, as everybody there is: no 500, and nothing that the document does not say.

`make fuzz` looks for longer; `FUZZ_SEED` looks at the same requests again.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import frozen

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.vault import AesGcmVault
from tests.support.http import a_world_in
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.routes import things_of
from tests.support.serving import SECRET_KEY, named, serving

ROOT = Path(__file__).parents[2]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
"""Of each operation, for each person."""
LONG = "FUZZ_EXAMPLES" in os.environ
SEED = int(os.environ.get("FUZZ_SEED", "20261126"))
PEOPLE = ("owner", "admin", "engineer", "viewer")
PHASES = {"engineer": "examples,coverage,fuzzing,stateful"}
"""Whoever is not in it is tried at random alone, unless asked for more: what the schema says of a request is the same for everybody."""
STREAMS = "/events"
"""Answers that never end, which `test_events.py` reads."""


@frozen(kw_only=True)
class Target:
    """A server with two accounts, tokens of one of them, and the ids of both."""

    address: str
    tokens: Mapping[str, str]
    ids: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def target(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    database = postgres.database()
    tokens, ids = asyncio.run(_seeded(database))
    settings = {**named(database), "data_dir": str(tmp_path_factory.mktemp("data")), "mail_from": "fuzz@flowpilot.test"}
    with serving("--no-relay", **settings) as server:
        yield Target(address=str(server.says("serving")["address"]), tokens=tokens, ids=ids)
    postgres.drop(database)


async def _seeded(database: PostgresDatabase) -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
    storage = Database(database.app)
    outbox = SqlOutbox(database.relay)
    world = await a_world_in(storage.begin, storage.view, outbox, vault=AesGcmVault([SECRET_KEY.encode()]))
    own = await things_of(world.junior, world.senior, world.owner)
    foreign = await things_of(world.rival, world.rival_owner, world.rival_owner)
    spare = {"user_id": world.senior.id}
    tokens = {"owner": world.owner.token, "admin": world.admin.token, "engineer": world.junior.token, "viewer": world.viewer.token}
    await storage.close()
    await outbox.close()
    return tokens, {name: [{**own, **spare}[name], foreign[name]] for name in own}


def _settings(target: Target, who: str) -> str:
    """Ids that are there, most of the time, where an id is asked for."""
    lines = ['hooks = "tests.support.fuzzing"', f'headers = {{ Authorization = "Bearer {target.tokens[who]}" }}']
    for name, values in target.ids.items():
        lines += [f"[dictionaries.{name}]", f"values = {values}"]
    # A rule of the core that no schema says is a 422, and a stale version a 412.
    lines += ["[checks.positive_data_acceptance]", 'expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]']
    refused = '["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422"]'
    lines += ["[checks.negative_data_rejection]", f"expected-statuses = {refused}"]
    lines += ["[parameters]"]
    lines += [f'"{place}.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in target.ids for place in ("path", "body")]
    return "\n".join(lines)


@pytest.mark.parametrize("who", PEOPLE)
def test_the_server_says_what_its_document_says(target: Target, tmp_path: Path, who: str) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(_settings(target, who))

    ended = _schemathesis(target, settings, tmp_path, PHASES["engineer"] if LONG else PHASES.get(who, "examples,fuzzing"))

    assert 0 == ended.returncode, f"seed {SEED}, as {who}:\n{ended.stdout}\n{ended.stderr}"


def _schemathesis(target: Target, settings: Path, folder: Path, phases: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run", f"{target.address}/openapi.json"]
    how = [
        "--checks",
        "all",
        "--max-examples",
        str(EXAMPLES),
        "--seed",
        str(SEED),
        "--exclude-path",
        STREAMS,
        "--phases",
        phases,
        "--continue-on-failure",
    ]
    return subprocess.run(
        [*program, *how], capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
