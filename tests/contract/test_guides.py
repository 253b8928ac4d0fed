"""What the guides tell people to type does what they say."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flowpilot_adapters.sql import Database
from flowpilot_core.testing.builders import a_session, a_staff
from flowpilot_http.cli.program import program
from flowpilot_http.settings import PREFIX
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.psa import HaloPsaSimulator
from tests.support.psa.server import Ticket
from tests.support.serving import named, said, serving

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
PATIENCE = 120.0


def typed(page: str, language: str) -> list[str]:
    """The blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


def calls(page: str) -> list[str]:
    """The blocks of a page that call a server."""
    return [block for block in typed(page, "console") if "curl " in block]


def run(command: list[str], *, cwd: Path, told: str = "", **environment: str) -> str:
    """What a command prints; it ends with 0."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | environment
    done = subprocess.run(command, cwd=cwd, env=variables, input=told, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def read_of(answers: str, name: str) -> Any:
    """The last thing of this name that stands whole in printed JSON."""
    begins = [found.end() for found in re.finditer(re.escape(name), answers) if answers[found.end()] == "{"]
    return json.JSONDecoder().raw_decode(answers[begins[-1] :])[0]


def test_the_tutorial_ends_as_it_says(own_database: PostgresDatabase) -> None:
    named = {"database_url": own_database.app, "relay_database_url": own_database.relay, "secret_key": "k" * 32}
    settings = {PREFIX + name.upper(): value for name, value in named.items()}
    with subprocess.Popen(
        [f"{PROGRAMS}/flowpilot", "serve", "--port", "0"],
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            address = next(json.loads(line)["address"] for line in server.stderr if '"address"' in line)
            script = "\n".join(typed("tutorial/first-handoff.md", "sh"))
            script = script.replace("http://127.0.0.1:8000", address).replace(".venv/bin/", f"{PROGRAMS}/")
            # Who reads the page is slower than the relay; who runs it has to wait for the assessment.
            read = "call $AS_SAM GET /handoffs/$HANDOFF | pretty\n"
            wait = 'until call $AS_SAM GET /handoffs/$HANDOFF | grep -q \'"state":"ready"\'; do :; done\n'
            answers = run(["sh", "-e"], cwd=ROOT, told=script.replace(read, wait + read), **settings)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)

    assert 0 == server.returncode
    assert ["already_claimed", "not_found"] == re.findall(r'"code": "(\w+)"', answers)
    assert {"Sam"} == set(re.findall(r'"state": "claimed".*?"claimed_by": {\s+"id": "[^"]+",\s+"name": "(\w+)"', answers, re.DOTALL))
    assessment = read_of(answers, '"assessment": ')
    assert "network: The printers moved to another VLAN (low); 1 of 2 tries failed" == assessment["headline"]
    assert ["network: The printers moved to another VLAN", "driver: The update of last night replaced the driver"] == [
        cause["cause"] for cause in assessment["likely_causes"]
    ]
    assert assessment["next_steps"][0]["text"].startswith("Read the port's VLAN, mode and error state on the switch")
    assert "spooler" not in json.dumps(assessment["next_steps"])
    found = read_of(answers, '"debrief": ')
    assert ("network", "Put the printers back into VLAN 30") == (found["branch"]["label"], found["step"]["content"])
    assert answers.endswith('{\n    "items": [],\n    "next_cursor": null\n}\n')


@pytest.mark.anyio
async def test_a_backup_made_and_restored_by_the_guide_has_every_accounts_rows(
    own_database: PostgresDatabase, postgres: PostgresServer, tmp_path: Path
) -> None:
    """F47: by the very lines of the page, with the test's database in place of the example's."""
    kept = Database(own_database.app)
    for name in ("Acme IT", "Globex"):
        staff = await a_staff(name).kept(kept.begin)
        await a_session(by=staff.anna).step("rebooted it").escalated().kept(kept.begin)
    await kept.close()
    (backup,) = (block for block in typed("howto/deploy.md", "console") if block.startswith("flowpilot backup "))
    (restore,) = (line for block in typed("howto/deploy.md", "console") for line in block.splitlines() if " restore " in line)
    restored = postgres.empty_database()
    script = f"{backup}{restore}\n".replace("/var/backups/flowpilot", str(tmp_path)).replace("flowpilot ", f"{PROGRAMS}/flowpilot ")
    script = re.sub(r"postgresql://postgres:…\S+", f"'{restored.admin}'", script)
    settings = {"backup_database_url": own_database.backup, "database_url": own_database.app}

    told = run(["sh", "-e"], cwd=tmp_path, told=script, **{PREFIX + name.upper(): value for name, value in settings.items()})

    assert "Relays are paused" in told
    assert [(2,)] == restored.do("SELECT count(DISTINCT account_id) FROM flowpilot.handoff")
    postgres.drop(restored)


def test_the_calls_of_the_guides_are_answered(own_database: PostgresDatabase, tmp_path: Path) -> None:
    """Each as it stands there, but for the names of things: whoever reads has their own."""
    told = {**named(own_database), "allow_private_targets": "1"}
    account = said("account", "create", "Northwind IT", **told)["id"]
    said("user", "create", "--account", account, "--email", "olga@northwind.example", "--name", "Olga", "--role", "owner", **told)
    user = ("--account", account, "--user", "olga@northwind.example")
    token = said("token", "create", *user, **told)["token"]
    with HaloPsaSimulator.running() as halo, serving("--no-relay", **told) as server:
        client = server.client(token)
        halo.tickets[48211] = Ticket(48211)
        halo.statuses[48211] = halo.first_status
        here = {
            "https://flowpilot.example.com": str(client.base_url).rstrip("/"),
            "https://acme.halopsa.com": halo.url,
            '{"client_id": "…", "client_secret": "…", "tenant": "acme"}': json.dumps(dict(halo.credentials)),
        }
        facts = {"FLOWPILOT": str(client.base_url).rstrip("/"), "TOKEN": token}

        def called(block: str) -> Any:
            for theirs, ours in here.items():
                block = block.replace(theirs, ours)
            answer = run(["sh", "-e"], cwd=tmp_path, told=block, **facts)
            return json.loads(answer) if answer.startswith("{") and "}{" not in answer else None

        for page in ("escalation-policy", "people-and-sign-in", "webhooks"):
            for block in calls(f"howto/{page}.md"):
                assert {"id", "steps"} & called(block).keys(), block
        connect, *further = calls("howto/connect-a-psa.md")
        facts["CONNECTION"] = called(connect)["id"]
        answers = [called(block) for block in further]
        session = client.post(
            "/ai-sessions", json={"title": "Mail", "problem": "None", "ticket": {"system": "halopsa", "id": "48211"}}
        ).json()
        facts["SESSION"] = session["id"]
        client.post(f"/ai-sessions/{session['id']}/resolve", json={"summary": "A policy was wrong"}).raise_for_status()
        make, *more = calls("howto/resolution-outputs.md")
        facts["OUTPUT"] = called(make)["id"]
        for block in more:
            called(block)
        (output,) = client.get(f"/ai-sessions/{session['id']}/outputs").json()["items"]

    assert "VPN down" == answers[1]["title"]
    assert ("posting", 2) == (output["state"], output["version"])
    assert ["html"] == [file.suffix.lstrip(".") for file in tmp_path.iterdir()]


def commands() -> list[tuple[str, str]]:
    """Every line of a guide, or of the README, that runs `flowpilot`, with its page."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    line = re.compile(r"^(?: *|.* )(?:\S*/)?flowpilot ([a-z].*)$")
    blocks = (
        (page, block)
        for page in pages
        for block in re.findall(r"^ *```(?:console|sh)\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    )
    return [
        (page.name, found[1]) for page, block in blocks for text in block.splitlines() if (found := line.match(text.partition("  #")[0]))
    ]


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_of_a_page_is_one_that_there_is(page: str, command: str) -> None:
    """With its options, since those are read before the help is shown."""
    ended = CliRunner().invoke(program, [*shlex.split(command.split("|")[0].rstrip(")")), "--help"])

    assert 0 == ended.exit_code, f"{page}: {ended.output}"
    assert "Usage: " in ended.output
