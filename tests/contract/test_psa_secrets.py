"""What opens a connection is in no answer, error, export or log, whatever the vendor says back."""

import logging
from base64 import b64encode
from collections.abc import Mapping

import httpx
import pytest

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.testing.builders import SetClock
from tests.support.http import World, a_world_in
from tests.support.psa import AutotaskSimulator, ConnectWiseSimulator, HaloPsaSimulator, Simulator, Trick
from tests.support.psa.posting import ADAPTERS
from tests.support.psa.server import Said

pytestmark = pytest.mark.anyio

SECRET = ("private_key", "public_key", "client_secret", "secret", "integration_code")
"""Those of the credentials that nobody may see."""


def needles(credentials: Mapping[str, str]) -> set[str]:
    """Every form in which a vendor is told them."""
    secrets = {value for name, value in credentials.items() if name in SECRET}
    if "private_key" in credentials:
        secrets.add(b64encode("{company_id}+{public_key}:{private_key}".format_map(credentials).encode()).decode())
    return secrets


def echo(vendor: Simulator, secrets: set[str], status: int) -> None:
    """The vendor's next answer says all that it was ever told."""
    told = f"you sent {' '.join(sorted(secrets))}"
    vendor.play(Trick(instead=Said(status, {"message": told, "errors": [told], "error_description": told, "Message": told})))


async def all_that_is_said(world: World, vendor: Simulator, credentials: Mapping[str, str], secrets: set[str]) -> list[str]:
    """Every answer to everybody who may read anything of a connection, a post, a ticket or an output."""
    said: list[httpx.Response] = []
    new = {"system": vendor.system, "name": "Desk", "base_url": vendor.url, "credentials": dict(credentials)}
    said.append(await world.owner.post("/psa-connections", new))
    said.append(await world.owner.post("/psa-connections", new))
    said.append(await world.owner.post("/psa-connections", {**new, "credentials": {**credentials, "more": "x"}}))
    connection = f"/psa-connections/{said[0].json()['id']}"
    said.append(await world.owner.patch(connection, {"name": "Help desk", "credentials": dict(credentials)}))
    for status in (None, 200, 400, 401, 500):
        if status is not None:
            echo(vendor, secrets, status)
        said.append(await world.owner.post(f"{connection}/test"))
        if status is not None:
            echo(vendor, secrets, status)
        said.append(await world.junior.get(f"/tickets/{vendor.system}/100{len(said)}"))
    session = await world.junior.session(ticket={"system": vendor.system, "id": "1001"})
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/resolve", {"summary": "Moved it to port 7"})
    output = await world.junior.made(f"{path}/outputs", {"kind": "psa_note"})
    await world.junior.made(f"{path}/outputs/{output['id']}/approve")
    await world.owner.patch(connection, {"credentials": dict(credentials)})
    said.append(await world.junior.post(f"{path}/outputs/{output['id']}/post"))
    for _ in range(3):
        vendor.tricks.clear()
        echo(vendor, secrets, 400)
        await world.relay_runs()
    said += [
        await world.owner.get(one) for one in ("/psa-connections", connection, "/psa-posts", path, f"{path}/timeline", f"{path}/outputs")
    ]
    said += [await world.owner.get(f"{path}/outputs/{output['id']}/export?format={format}") for format in ("md", "html")]
    return [f"{answer.headers} {answer.text}" for answer in said]


@pytest.mark.parametrize("wrong", [False, True], ids=["good", "wrong"])
@pytest.mark.parametrize("kind", [ConnectWiseSimulator, HaloPsaSimulator, AutotaskSimulator], ids=lambda kind: kind.system)
async def test_what_opens_a_connection_is_never_said_again(
    kind: type[Simulator], wrong: bool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with kind.running() as vendor:
        credentials = vendor.wrong_credentials if wrong else vendor.credentials
        secrets = needles(credentials)
        async with httpx.AsyncClient() as client:
            store = MemoryStore(clock=SetClock(), new_token=new_id)
            psas = {vendor.system: ADAPTERS[vendor.system](client, SystemClock())}
            world = await a_world_in(store.begin, store.view, store.outbox, psas=psas)
            said = await all_that_is_said(world, vendor, credentials, secrets)

        heard = " ".join(f"{asked.headers} {asked.body.decode()}" for asked in vendor.asked)
    logged = (*capfd.readouterr(), *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records))
    assert [secret for secret in secrets if secret in heard], "the vendor was told none, so that this test could not fail"
    assert [] == [text for text in (*said, *logged) if any(secret in text for secret in secrets)]
