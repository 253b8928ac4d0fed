"""A ticket that is closed at a vendor ends its session here: the program as it runs, and each vendor's own webhook."""

import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from attrs import evolve

from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.system import SystemClock
from flowpilot_core.domain.kernel.errors import NotVouchedFor
from flowpilot_core.ports.psa import Knock, NotDone
from tests.support.postgres import PostgresDatabase
from tests.support.psa import AutotaskSimulator, ConnectWiseSimulator, HaloPsaSimulator, Said, Simulator, Trick
from tests.support.serving import jo_and_ada, named, serving, until

SECRET = "a secret of these tests"


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def connectwise() -> Iterator[ConnectWiseSimulator]:
    with ConnectWiseSimulator.running() as simulator:
        yield simulator


def has_ended(client: httpx.Client, session_id: str) -> bool:
    return bool(client.get(f"/ai-sessions/{session_id}").json()["status"] == "resolved")


def test_a_ticket_that_is_closed_at_its_vendor_ends_its_session_here(own_database: PostgresDatabase) -> None:
    """All three, one after another, told by their own webhooks over the network, twice each."""
    jo, ada = jo_and_ada(own_database)
    with ExitStack() as stack:
        server = stack.enter_context(serving(**named(own_database), allow_private_targets="1"))
        client = server.client(jo.token)
        by_ada = {"authorization": f"Bearer {ada.token}"}
        kinds: tuple[type[Simulator], ...] = (ConnectWiseSimulator, HaloPsaSimulator, AutotaskSimulator)
        for simulator in [stack.enter_context(kind.running()) for kind in kinds]:
            new = {"system": simulator.system, "name": "Desk", "base_url": simulator.url, "credentials": dict(simulator.credentials)}
            connection = client.post("/psa-connections", json=new, headers=by_ada).json()
            address = client.post(f"/psa-connections/{connection['id']}/webhook", json={}, headers=by_ada).json()
            start = {"title": "VPN down", "problem": "x", "ticket": {"system": simulator.system, "id": "1001"}}
            session = client.post("/ai-sessions", json=start).json()
            simulator.close()

            answered = [simulator.tell(address["url"], 1001, address["secret"] or "") for _ in range(2)]

            assert [204, 204] == answered, simulator.system
            until(partial(has_ended, client, session["id"]))
            assert 404 == simulator.tell(address["url"][:-1] + "!", 1001, address["secret"] or "")


@pytest.mark.anyio
async def test_connectwise_signs_with_a_key_that_only_its_own_host_tells(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    """A38: whoever knows the address alone cannot have a key fetched from elsewhere, and sign with that."""
    own = connectwise.knock(1001, SECRET)
    told = json.loads(own.body)
    with ConnectWiseSimulator.running() as elsewhere:
        for url in (f"{elsewhere.url}/keys/1", "file:///etc/passwd", "http://169.254.169.254/keys/1", "", f"{connectwise.url}/keys/2"):
            forged = json.dumps({**told, "Metadata": {"key_url": url}}).encode()
            with pytest.raises(NotVouchedFor):
                await ConnectWise(client, SystemClock()).told(connectwise.access(), evolve(own, body=forged), SECRET)

        assert [] == elsewhere.asked


@pytest.mark.anyio
async def test_connectwise_is_asked_for_its_key_once_an_hour(connectwise: ConnectWiseSimulator, client: httpx.AsyncClient) -> None:
    psa = ConnectWise(client, SystemClock())
    for _ in range(3):
        assert "1001" == await psa.told(connectwise.access(), connectwise.knock(1001, SECRET), SECRET)

    assert 1 == connectwise.times("/keys/1")


@pytest.mark.anyio
async def test_where_connectwise_does_not_tell_its_key_nobody_knows_yet(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    connectwise.play(Trick(ending="/keys/1", instead=Said(503, b"")))

    with pytest.raises(NotDone):
        await ConnectWise(client, SystemClock()).told(connectwise.access(), connectwise.knock(1001, SECRET), SECRET)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [ConnectWiseSimulator, AutotaskSimulator])
async def test_a_body_that_was_changed_on_its_way_is_not_signed(kind: type[Simulator], client: httpx.AsyncClient) -> None:
    with kind.running() as simulator:
        psa = ConnectWise(client, SystemClock()) if kind is ConnectWiseSimulator else Autotask(client, SystemClock())
        knock = simulator.knock(1001, SECRET)
        with pytest.raises(NotVouchedFor):
            await psa.told(simulator.access(), evolve(knock, body=knock.body.replace(b"1001", b"1002")), SECRET)


@pytest.mark.anyio
async def test_autotask_signs_by_sha1_and_no_other_algorithm_is_taken(client: httpx.AsyncClient) -> None:
    with AutotaskSimulator.running() as simulator:
        body = simulator.knock(1001, SECRET).body
        for name in ("sha256", "md5", ""):
            digest = hmac.digest(SECRET.encode(), body, name or "sha1")
            knock = Knock(headers={"x-hook-signature": f"{name}={b64encode(digest).decode()}"}, body=body)
            with pytest.raises(NotVouchedFor):
                await Autotask(client, SystemClock()).told(simulator.access(), knock, SECRET)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"x-webhook-secret": SECRET}, True),
        ({"x-webhook-secret": SECRET + " "}, False),
        ({"authorization": "Basic " + b64encode(f"anybody:{SECRET}".encode()).decode()}, True),
        ({"authorization": "Basic " + b64encode(SECRET.encode()).decode()}, False),
        ({"authorization": f"Bearer {SECRET}"}, False),
        ({"authorization": "Basic nonsense!"}, False),
    ],
)
async def test_halopsa_brings_the_secret_as_a_password_or_in_a_header(
    client: httpx.AsyncClient, headers: dict[str, str], taken: bool
) -> None:
    with HaloPsaSimulator.running() as simulator:
        knock = Knock(headers=headers, body=b'{"object_id": "1001"}')
        if taken:
            assert "1001" == await HaloPsa(client, SystemClock()).told(simulator.access(), knock, SECRET)
        else:
            with pytest.raises(NotVouchedFor):
                await HaloPsa(client, SystemClock()).told(simulator.access(), knock, SECRET)
