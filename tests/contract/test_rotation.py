"""The secret key is changed as an operator changes it, by settings and one command."""

import json

import pytest

from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.secrets import Safe
from flowpilot_core.testing.builders import a_staff
from flowpilot_http.cursors import Cursors
from flowpilot_http.problems import Refused
from tests.support.postgres import PostgresDatabase
from tests.support.serving import named, ran

pytestmark = pytest.mark.anyio

OLD, NEW = "an old key that is long enough for it", "a new key that is long enough for it"


def flowpilot(database: PostgresDatabase, *arguments: str, **settings: str) -> tuple[int, dict[str, object]]:
    """Exit status and answer of a command, run as an operator runs it."""
    done = ran(*arguments, "--json", **{**named(database), **settings})
    return done.returncode, json.loads(done.stdout)


def about_secrets(database: PostgresDatabase, **settings: str) -> dict[str, object]:
    """What `doctor` says of them."""
    _, found = flowpilot(database, "doctor", **settings)
    checks = found["checks"]
    assert isinstance(checks, list)
    (secrets,) = [check for check in checks if check["check"] == "secrets"]
    return dict(secrets)


async def test_a_changed_key_is_taken_over_by_one_command(own_database: PostgresDatabase) -> None:
    storage = Database(own_database.app)
    acme = await a_staff("Acme").kept(storage.begin)
    async with storage.begin(acme.account_id) as work:
        old = Safe(vault=AesGcmVault([OLD.encode()]), clock=SystemClock(), new_id=new_id)
        secret_id = await old.put(work, acme.account_id, "psa", "hunter2")
        await work.commit()

    lost = about_secrets(own_database, secret_key=NEW)
    outstanding = about_secrets(own_database, secret_key=NEW, secret_key_previous=OLD)
    first = flowpilot(own_database, "secrets", "rotate", secret_key=NEW, secret_key_previous=OLD)
    second = flowpilot(own_database, "secrets", "rotate", secret_key=NEW)
    after = about_secrets(own_database, secret_key=NEW)

    assert (False, True) == (lost["ok"], outstanding["ok"])
    assert "flowpilot secrets rotate" in str(outstanding["note"])
    key_id = AesGcmVault([NEW.encode()]).key_id
    assert (0, {"key_id": key_id, "resealed": 1, "unreadable": 0}) == first
    assert (0, {"key_id": key_id, "resealed": 0, "unreadable": 0}) == second
    assert (True, None) == (after["ok"], after["note"])
    async with storage.begin(acme.account_id) as work:
        new = Safe(vault=AesGcmVault([NEW.encode()]), clock=SystemClock(), new_id=new_id)
        assert "hunter2" == await new.open(work, acme.account_id, "psa", secret_id)
    await storage.close()


async def test_a_page_that_was_begun_under_the_old_key_can_be_gone_on_with() -> None:
    account_id = new_id()
    cursor = Cursors([OLD.encode()]).make(account_id, "queue", 7)

    assert 7 == Cursors([NEW.encode(), OLD.encode()]).read(cursor, account_id, "queue", int)
    with pytest.raises(Refused):
        Cursors([NEW.encode()]).read(cursor, account_id, "queue", int)
