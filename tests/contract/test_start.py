"""A command on a database loads the database and the use cases, and nothing that serves."""

import pytest

from tests.support.loading import NOT_FOR_A_COMMAND, loaded
from tests.support.postgres import PostgresDatabase
from tests.support.serving import environment, named, said


def test_making_a_token_loads_nothing_that_serves_asks_or_sends(own_database: PostgresDatabase) -> None:
    settings = named(own_database)
    account = said("account", "create", "Acme", **settings)["id"]
    somebody = said("user", "create", "--account", account, "--email", "jo@acme.test", "--name", "Jo", "--role", "engineer", **settings)[
        "id"
    ]

    found = loaded("token", "create", "--account", account, "--user", somebody, environment=environment(**settings))

    assert 1 == len(found.printed.splitlines())
    assert [] == found.of(*NOT_FOR_A_COMMAND)


@pytest.mark.parametrize("arguments", [["relay", "pause", "moving house"], ["secrets", "rotate"]], ids=" ".join)
def test_what_an_operator_does_beside_the_server_loads_nothing_that_serves(own_database: PostgresDatabase, arguments: list[str]) -> None:
    found = loaded(*arguments, environment=environment(**named(own_database)))

    assert [] == found.of(*NOT_FOR_A_COMMAND)


def test_whoever_only_relays_loads_no_pages_and_no_web_framework(own_database: PostgresDatabase) -> None:
    settings = named(own_database) | {"base_url": "https://flowpilot.example.test"}

    found = loaded("deliveries", "drain", environment=environment(**settings))

    assert found.of("flowpilot_adapters.psa")
    assert [] == found.of("alembic", "litestar", "uvicorn", "flowpilot_http.app", "flowpilot_http.pages", "flowpilot_http.routes")
