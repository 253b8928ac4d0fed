"""What `POST /psa-connections/{id}/test` finds wrong, over HTTP and with each vendor's simulator at the other end."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import pytest
from attrs import field, frozen

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.testing.builders import SetClock
from tests.support.http import Somebody, a_world_in
from tests.support.psa import AutotaskSimulator, ConnectWiseSimulator, HaloPsaSimulator, Simulator, Trick
from tests.support.psa.posting import ADAPTERS, NO_CERTIFICATES
from tests.support.psa.server import Said

pytestmark = pytest.mark.anyio

KINDS: Mapping[str, type[Simulator]] = {"connectwise": ConnectWiseSimulator, "halopsa": HaloPsaSimulator, "autotask": AutotaskSimulator}
NOBODY = "http://127.0.0.1:1"
RIGHTS = {"connectwise": "GET /tickets", "halopsa": "GET /api/Tickets", "autotask": "POST /query"}


@frozen(kw_only=True)
class Wrong:
    """Something that is wrong with a connection, and what is said of it."""

    changed: Mapping[str, Any] = field(factory=dict)
    """In the connection."""
    there: Callable[[Simulator], None] = lambda simulator: None
    """At the vendor's."""
    problem: str
    hint: str
    """Part of it."""


def settings(**values: object) -> Mapping[str, Any]:
    return {"settings": values}


def at_resolution(**values: object) -> Mapping[str, Any]:
    """What tickets are to be given when a session is resolved."""
    return settings(ticket={"resolved": values})


def forbid(simulator: Simulator) -> None:
    simulator.forbidden = {RIGHTS[simulator.system]}


def wear_out(simulator: Simulator) -> None:
    simulator.calls_left = 0


def stand_behind_a_proxy(simulator: Simulator) -> None:
    simulator.play(*[Trick(instead=Said(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}))] * 9)


def fail(simulator: Simulator) -> None:
    simulator.play(*[Trick(instead=Said(500, {"message": "canary-of-theirs"}))] * 9)


ANY: Mapping[str, Wrong] = {
    "nobody is there": Wrong(changed={"base_url": NOBODY}, problem="unreachable", hint="Check the address"),
    "a proxy answers": Wrong(there=stand_behind_a_proxy, problem="not_the_api", hint="proxy"),
    "a wrong key": Wrong(changed={"credentials": "wrong"}, problem="wrong_key", hint="Enter the credentials again"),
    "the vendor fails": Wrong(there=fail, problem="vendor_fault", hint="Try again later"),
    "a missing right": Wrong(there=forbid, problem="missing_permission", hint="Let the API user read tickets"),
    "too many calls": Wrong(there=wear_out, problem="too_many_calls", hint="Try again later"),
    "no such status": Wrong(
        changed=at_resolution(status="Nirvana"),
        problem="wrong_setting",
        hint="Ticket.resolved.status: there is no status Nirvana; there are ",
    ),
    "no such priority": Wrong(
        changed=at_resolution(priority="Utmost"),
        problem="wrong_setting",
        hint="Ticket.resolved.priority: there is no priority Utmost; there are Priority 1, Priority 2",
    ),
    "no status of this number": Wrong(changed=at_resolution(status="4711"), problem="wrong_setting", hint="there is no status 4711"),
}
OWN: Mapping[str, Mapping[str, Wrong]] = {
    "connectwise": {
        "a wrong company": Wrong(changed={"credentials": {"company_id": "acmeit"}}, problem="wrong_company", hint="capitals count"),
        "a wrong client id": Wrong(changed={"credentials": {"client_id": "other"}}, problem="wrong_key", hint="client id"),
    },
    "halopsa": {
        "a wrong tenant": Wrong(changed={"credentials": {"tenant": "northwind"}}, problem="wrong_company", hint="tenant"),
        "no such action": Wrong(
            changed=settings(outcome="Secret Note"),
            problem="wrong_setting",
            hint="HaloPSA has no action Secret Note; there are Close Ticket, Email User, Private Note",
        ),
        "no action of this number": Wrong(
            changed=settings(outcome_id=77), problem="wrong_setting", hint="HaloPSA has no action 77; there are Close Ticket"
        ),
    },
    "autotask": {
        "an unknown user": Wrong(changed={"credentials": {"username": "nobody@acme.example"}}, problem="wrong_key", hint="API user"),
        "a wrong integration code": Wrong(changed={"credentials": {"integration_code": "OTHER"}}, problem="wrong_key", hint="code"),
        "no such note type": Wrong(
            changed=settings(note_type="Poem"),
            problem="wrong_setting",
            hint="no note_type Poem; there are Task Notes, Task Summary, Workflow Rule Note",
        ),
        "no note type of this number": Wrong(
            changed=settings(note_type=99), problem="wrong_setting", hint="no note_type 99; there are Task"
        ),
        "no such readers": Wrong(
            changed=settings(publish=3), problem="wrong_setting", hint="no publish 3; there are All Autotask Users, Internal & Co-managed"
        ),
        "neither, both by number": Wrong(changed=settings(note_type=99, publish=3), problem="wrong_setting", hint="no note_type 99"),
        "readers that are wrong beside a type that is right": Wrong(
            changed=settings(note_type=1, publish=3), problem="wrong_setting", hint="no publish 3"
        ),
    },
}
CASES = [(system, name) for system in KINDS for name in (*ANY, *OWN[system])]


@pytest.fixture
async def owner() -> AsyncIterator[Somebody]:
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        store = MemoryStore(clock=SetClock(), new_token=new_id)
        psas = {system: adapter(client, SystemClock()) for system, adapter in ADAPTERS.items()}
        yield (await a_world_in(store.begin, store.view, store.outbox, psas=psas)).owner


async def connected(owner: Somebody, simulator: Simulator) -> str:
    """The path of a connection with which nothing is wrong."""
    new = {"system": simulator.system, "name": "Desk", "base_url": simulator.url, "credentials": dict(simulator.credentials)}
    path = f"/psa-connections/{(await owner.made('/psa-connections', new))['id']}"
    assert {"ok": True} == await owner.made(f"{path}/test")
    return path


@pytest.mark.parametrize(("system", "name"), CASES)
async def test_a_test_says_exactly_what_is_wrong(owner: Somebody, system: str, name: str) -> None:
    wrong = {**ANY, **OWN[system]}[name]
    with KINDS[system].running() as simulator:
        path = await connected(owner, simulator)
        wrong.there(simulator)
        if wrong.changed:
            changed = await owner.patch(path, _whole(wrong.changed, simulator))
            assert 200 == changed.status_code, changed.text

        found = await owner.made(f"{path}/test")

    assert (False, wrong.problem) == (found["ok"], found["problem"]), found
    assert wrong.hint in found["hint"]
    assert not [secret for secret in simulator.credentials.values() if secret.startswith("canary") and secret in str(found)]


@pytest.mark.parametrize("system", KINDS)
async def test_what_was_wrong_and_is_mended_is_found_right(owner: Somebody, system: str) -> None:
    """By a name in whatever letters, or by the number in the vendor's API."""
    with KINDS[system].running() as simulator:
        path = await connected(owner, simulator)
        for status in ("Nirvana", "in progress", str(simulator.first_status)):
            await owner.patch(path, at_resolution(status=status, priority="priority 2"))
            assert (status != "Nirvana") == (await owner.made(f"{path}/test"))["ok"], status


def _whole(changed: Mapping[str, Any], simulator: Simulator) -> Mapping[str, Any]:
    """Credentials are given whole: those that are good, but for what is wrong."""
    if "credentials" not in changed:
        return changed
    told = changed["credentials"]
    wrong = simulator.wrong_credentials if told == "wrong" else {**simulator.credentials, **told}
    return {**changed, "credentials": dict(wrong)}
