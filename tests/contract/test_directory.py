"""What an operator lists, and whom they mean by a name or an address."""

import re

import pytest

from tests.support.postgres import PostgresDatabase
from tests.support.serving import named, ran, said

PERSON = ["--name", "Jo", "--role", "engineer"]


def settings_of(database: PostgresDatabase) -> dict[str, str]:
    return named(database) | {"backup_database_url": database.backup}


def test_accounts_people_and_teams_are_listed(own_database: PostgresDatabase) -> None:
    settings = settings_of(own_database)
    none = ran("account", "list", **settings)
    acme, globex = (said("account", "create", name, **settings)["id"] for name in ("Acme", "Globex"))
    jo = said("user", "create", "--account", acme, "--email", "jo@acme.test", *PERSON, **settings)["id"]
    said("account", "close", "--account", globex, **settings)

    accounts = said("account", "list", **settings)["items"]
    (user,) = said("user", "list", "--account", acme, **settings)["items"]
    lines = ran("account", "list", **settings).stdout

    assert "There are none.\n" == none.stdout
    assert [(acme, "Acme", True), (globex, "Globex", False)] == [(one["id"], one["name"], one["closed_at"] is None) for one in accounts]
    assert {"id": jo, "email": "jo@acme.test", "name": "Jo", "role": "engineer", "state": "active", "team_ids": []} == user
    assert [] == said("team", "list", "--account", acme, **settings)["items"]
    assert re.fullmatch(rf"{acme}  Acme\n{globex}  Globex  \(closed \d{{4}}-\d\d-\d\d\)\n", lines)


def test_an_account_goes_by_its_name_and_a_person_by_their_address(own_database: PostgresDatabase) -> None:
    settings = settings_of(own_database)
    acme = said("account", "create", "Acme IT", **settings)["id"]
    jo = said("user", "create", "--account", "acme it", "--email", "jo@acme.test", *PERSON, **settings)

    token = said("token", "create", "--account", "Acme IT", "--user", "JO@acme.test", **settings)
    (listed,) = said("token", "list", "--account", "Acme IT", "--user", jo["id"], **settings)["items"]
    verified = said("audit", "verify", "--account", "Acme IT", **settings)

    assert (acme, jo["id"], token["id"]) == (jo["account_id"], token["user_id"], listed["id"])
    assert verified["ok"]
    assert [] == said("deliveries", "list", "--account", "Acme IT", **settings)["items"]


@pytest.mark.parametrize(
    ("account", "user", "why"),
    [
        ("Nobody's", "jo@acme.test", 'no account is called "Nobody\'s"; `flowpilot account list` shows them all'),
        ("Twice", "jo@acme.test", "several accounts are called 'Twice': say which by its id, "),
        ("Acme", "bo@acme.test", "there is no such user"),
    ],
)
def test_a_name_that_is_nobodys_or_several_is_said(own_database: PostgresDatabase, account: str, user: str, why: str) -> None:
    settings = settings_of(own_database)
    for name in ("Acme", "Twice", "Twice"):
        said("account", "create", name, **settings)

    ended = ran("token", "list", "--account", account, "--user", user, **settings)

    assert 1 == ended.returncode
    assert why in ended.stderr


@pytest.mark.parametrize("role", [None, "app", "owner", "relay"])
def test_accounts_are_listed_by_the_one_role_that_sees_them_all(own_database: PostgresDatabase, role: str | None) -> None:
    """A01: nobody else reads across accounts, and an empty list is never the answer instead."""
    settings = named(own_database) | ({"backup_database_url": getattr(own_database, role)} if role else {})
    said("account", "create", "Acme", **settings)

    ended = ran("account", "list", **settings)

    assert (1, "") == (ended.returncode, ended.stdout)
    assert "FLOWPILOT_BACKUP_DATABASE_URL" in ended.stderr
    assert "flowpilot_backup, the only role that sees more than one account" in ended.stderr
