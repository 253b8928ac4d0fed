"""The secret key is changed as an operator changes it, by settings and one command."""

import asyncio
import json
import signal

import pytest

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.access.secrets import Rotation, Safe
from flowpilot_core.domain.kernel.identifiers import AccountId, SecretId
from flowpilot_core.testing.builders import a_staff
from flowpilot_core.testing.faults import Faults
from flowpilot_http.cursors import Cursors
from flowpilot_http.problems import Refused
from tests.support import processes
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim
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


async def test_of_whoever_rotates_at_every_step_loses_no_secret(own_database: PostgresDatabase) -> None:
    """kill -9 at each point of a rotation over two accounts: at every moment both keys open everything, and run again the new one does."""
    storage, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    old, both = AesGcmVault([OLD.encode()]), AesGcmVault([NEW.encode(), OLD.encode()])
    accounts = [(await a_staff(name).kept(storage.begin)).account_id for name in ("Acme", "Rival")]

    async def kept(account_id: AccountId) -> SecretId:
        async with storage.begin(account_id) as work:
            secret_id = await Safe(vault=old, clock=SystemClock(), new_id=new_id).put(work, account_id, "psa", f"secret of {account_id}")
            await work.commit()
        return secret_id

    async def opened(vault: AesGcmVault, secrets: dict[AccountId, SecretId]) -> bool:
        safe = Safe(vault=vault, clock=SystemClock(), new_id=new_id)
        for account_id, secret_id in secrets.items():
            async with storage.begin(account_id) as work:
                if f"secret of {account_id}" != await safe.open(work, account_id, "psa", secret_id):
                    return False
        return True

    for account_id in accounts:
        await kept(account_id)
    passing = Faults()
    await Rotation(begin=passing.begin(storage.begin), accounts=outbox, vault=both, clock=SystemClock()).run()

    assert {"commit: before", "commit: after"} <= set(passing.seen)
    for point in passing.seen:
        secrets = {account_id: await kept(account_id) for account_id in accounts}
        victim = Victim.of(processes.rotate, own_database.app, own_database.relay, (NEW.encode(), OLD.encode()), point)
        assert -signal.SIGKILL == await asyncio.to_thread(victim.ended), point
        assert await opened(both, secrets), point
        await Rotation(begin=storage.begin, accounts=outbox, vault=both, clock=SystemClock()).run()
        assert await opened(AesGcmVault([NEW.encode()]), secrets), point
    await outbox.close()
    await storage.close()


async def test_a_page_that_was_begun_under_the_old_key_can_be_gone_on_with() -> None:
    account_id = new_id()
    cursor = Cursors([OLD.encode()]).make(account_id, "queue", 7)

    assert 7 == Cursors([NEW.encode(), OLD.encode()]).read(cursor, account_id, "queue", int)
    with pytest.raises(Refused):
        Cursors([NEW.encode()]).read(cursor, account_id, "queue", int)
