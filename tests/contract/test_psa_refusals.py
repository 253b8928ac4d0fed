"""What each vendor refuses, row by row, and what is made of it."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from attrs import evolve

from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.psa.vendor_line import LONGEST_PAUSE, MOST_BYTES
from flowpilot_adapters.system import SystemClock
from flowpilot_core.ports.psa import NotDone, Psa, Trouble
from flowpilot_core.testing.contracts.psa.vendor import a_note
from tests.support.psa import HANG_UP, AutotaskSimulator, ConnectWiseSimulator, HaloPsaSimulator, Said, Simulator, Trick
from tests.support.psa.autotask import RIGHTS, THREADS
from tests.support.psa.connectwise import TIMED_OUT as CONNECTWISE_TIMED_OUT

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def connectwise() -> Iterator[ConnectWiseSimulator]:
    with ConnectWiseSimulator.running() as simulator:
        yield simulator


@pytest.fixture
def halo() -> Iterator[HaloPsaSimulator]:
    with HaloPsaSimulator.running() as simulator:
        yield simulator


@pytest.fixture
def autotask() -> Iterator[AutotaskSimulator]:
    with AutotaskSimulator.running() as simulator:
        yield simulator


@pytest.fixture(params=["connectwise", "halopsa", "autotask"])
def any_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    kinds: dict[str, type[Simulator]] = {
        "connectwise": ConnectWiseSimulator,
        "halopsa": HaloPsaSimulator,
        "autotask": AutotaskSimulator,
    }
    with kinds[request.param].running() as simulator:
        yield simulator


def adapter(simulator: Simulator, client: httpx.AsyncClient) -> Psa:
    kinds: dict[str, Callable[[httpx.AsyncClient, SystemClock, float], Psa]] = {
        "connectwise": ConnectWise,
        "halopsa": HaloPsa,
        "autotask": Autotask,
    }
    return kinds[simulator.system](client, SystemClock(), 10.0)


async def refusal(simulator: Simulator, client: httpx.AsyncClient, **changed: str) -> NotDone:
    """Why a note was not added."""
    with pytest.raises(NotDone) as refused:
        await adapter(simulator, client).add_note(simulator.access(changed=changed), "1001", a_note())
    return refused.value


async def found_wrong(simulator: Simulator, client: httpx.AsyncClient, **changed: str) -> Trouble:
    """What a test of the connection finds."""
    with pytest.raises(NotDone) as refused:
        await adapter(simulator, client).check(simulator.access(changed=changed))
    assert not any(secret in refused.value.problem for secret in simulator.credentials.values() if secret.startswith("canary"))
    return refused.value.trouble


def streamed(status: int, body: object) -> httpx.Response:
    """An answer as it comes over a wire."""
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(body).encode()))


# ConnectWise


async def test_connectwise_1_a_wrong_client_id_is_a_wrong_key(connectwise: ConnectWiseSimulator, client: httpx.AsyncClient) -> None:
    assert Trouble.WRONG_KEY is await found_wrong(connectwise, client, client_id="canary-other-client")


@pytest.mark.parametrize("cloud", [False, True])
async def test_connectwise_2_wrong_keys_are_that_also_where_the_cloud_says_not_found(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient, cloud: bool
) -> None:
    connectwise.cloud = cloud

    assert Trouble.WRONG_KEY is await found_wrong(connectwise, client, private_key="canary-other-key")


async def test_connectwise_3_a_codebase_that_moved_is_asked_for_again(connectwise: ConnectWiseSimulator, client: httpx.AsyncClient) -> None:
    psa = adapter(connectwise, client)
    await psa.check(connectwise.access())
    connectwise.codebase = "v2026_2/"

    await psa.add_note(connectwise.access(), "1001", a_note())

    assert 1 == len(connectwise.notes())


async def test_connectwise_3_a_company_that_cannot_be_routed_is_wrong(connectwise: ConnectWiseSimulator, client: httpx.AsyncClient) -> None:
    connectwise.play(Trick(ending="AcmeIT", instead=Said(200, {"Codebase": "v1_0/"})))
    connectwise.play(Trick(ending="AcmeIT", instead=Said(200, {"Codebase": "v1_0/"})))

    assert Trouble.WRONG_COMPANY is (await refusal(connectwise, client)).trouble


@pytest.mark.parametrize("cloud", [False, True])
async def test_connectwise_4_an_unknown_company_is_called_that(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient, cloud: bool
) -> None:
    connectwise.cloud = cloud

    assert Trouble.WRONG_COMPANY is await found_wrong(connectwise, client, company_id="acmeit")


async def test_connectwise_5_a_404_asks_for_the_codebase_once_more_and_no_further(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    with pytest.raises(NotDone) as gone:
        await adapter(connectwise, client).ticket(connectwise.access(), "4004")

    assert Trouble.TICKET_GONE is gone.value.trouble
    assert (2, 1) == (connectwise.times("/AcmeIT"), connectwise.times("/4004"))


async def test_connectwise_5_a_ticket_of_a_project_is_none_of_the_service_desks(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    """F35: it is there, and whoever would post to it is told why not."""
    psa = adapter(connectwise, client)

    for call in (psa.ticket(connectwise.access(), "2001"), psa.add_note(connectwise.access(), "2001", a_note())):
        with pytest.raises(NotDone) as gone:
            await call
        assert (Trouble.TICKET_GONE, True) == (gone.value.trouble, gone.value.permanent)
        assert "those of projects are not there" in gone.value.problem
    assert [] == connectwise.of_projects[2001].notes


@pytest.mark.parametrize(
    ("setting", "flag"),
    [("internal", "internalAnalysisFlag"), ("discussion", "detailDescriptionFlag"), ("resolution", "resolutionFlag")],
)
async def test_connectwise_6_a_note_stands_in_one_place(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient, setting: str, flag: str
) -> None:
    await adapter(connectwise, client).add_note(connectwise.access(settings={"note": setting}), "1001", a_note())

    (note,) = connectwise.notes()
    assert [flag] == [name for name, value in note.raw.items() if value is True]


async def test_connectwise_7_a_missing_right_is_called_that(connectwise: ConnectWiseSimulator, client: httpx.AsyncClient) -> None:
    connectwise.forbidden = {"POST /notes", "GET /tickets"}

    assert Trouble.MISSING_PERMISSION is (await refusal(connectwise, client)).trouble
    assert Trouble.MISSING_PERMISSION is await found_wrong(connectwise, client)


async def test_connectwise_8_a_status_of_another_board_is_a_wrong_setting(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    with pytest.raises(NotDone) as refused:
        await adapter(connectwise, client).set_status(connectwise.access(), "1001", "99")

    assert Trouble.WRONG_SETTING is refused.value.trouble


async def test_connectwise_9_over_the_rate_it_is_left_alone_as_long_as_it_asks(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    """F33."""
    connectwise.calls_left = 0

    refused = await refusal(connectwise, client)

    assert (Trouble.TOO_MANY_CALLS, 30) == (refused.trouble, round(refused.retry_after or 0))


async def test_connectwise_10_a_timeout_after_the_note_was_stored_leaves_the_outcome_unknown(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    """F34."""
    connectwise.play_on_notes(afterwards=CONNECTWISE_TIMED_OUT)

    refused = await refusal(connectwise, client)

    assert (Trouble.VENDOR_FAULT, True, False) == (refused.trouble, refused.unknown, refused.permanent)
    assert 1 == len(connectwise.notes())


async def test_connectwise_11_data_it_cannot_convert_is_never_repeated(
    connectwise: ConnectWiseSimulator, client: httpx.AsyncClient
) -> None:
    body = {"code": "ConnectWiseApi", "message": 'Error converting value "x" to type Boolean'}
    connectwise.play_on_notes(instead=Said(500, body))

    assert (await refusal(connectwise, client)).permanent


async def test_connectwise_12_a_cloud_customer_is_called_at_the_api_of_their_region() -> None:
    hosts: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return streamed(200, {"Codebase": "v2026_1/"}) if "companyinfo" in request.url.path else streamed(201, {"id": 1})

    with ConnectWiseSimulator.running() as simulator:
        access = simulator.access()
    access = evolve(access, base_url="https://eu.myconnectwise.net/")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await ConnectWise(client, SystemClock()).add_note(access, "1001", a_note())

    assert ["eu.myconnectwise.net", "api-eu.myconnectwise.net"] == hosts


# HaloPSA


async def test_halopsa_1_a_refused_client_is_a_wrong_key(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    assert Trouble.WRONG_KEY is await found_wrong(halo, client, client_secret="canary-other-secret")


async def test_halopsa_2_an_unknown_tenant_is_called_that(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    assert Trouble.WRONG_COMPANY is await found_wrong(halo, client, tenant="northwind")


async def test_halopsa_3_a_scope_it_may_not_have_is_a_missing_permission(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    halo.play(Trick(ending="/auth/token", instead=Said(400, {"error": "invalid_scope"})))

    assert Trouble.MISSING_PERMISSION is await found_wrong(halo, client)


async def test_halopsa_4_of_many_with_an_expired_token_one_fetches_another(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    """F32: one refresh, whoever asks, and every note stands there."""
    psa = adapter(halo, client)
    await psa.check(halo.access())
    halo.expire()

    await asyncio.gather(*(psa.add_note(halo.access(), "1001", a_note(number)) for number in range(20)))

    assert (2, 20) == (halo.tokens_given, len(halo.notes()))


async def test_halopsa_4_a_fresh_token_that_is_refused_too_is_the_end(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    """F32: no lock-out by hammering."""
    halo.play(*[Trick(ending="/api/Tickets/1001", instead=Said(401))] * 2)

    refused = await refusal(halo, client)

    assert (Trouble.WRONG_KEY, True) == (refused.trouble, refused.permanent)
    assert (2, 2) == (halo.tokens_given, halo.times("/api/Tickets/1001"))


async def test_halopsa_4_many_who_are_refused_a_token_ask_for_one_once(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    """F32."""
    psa = adapter(halo, client)
    wrong = halo.access(wrong=True)

    outcomes = await asyncio.gather(*(psa.add_note(wrong, "1001", a_note(number)) for number in range(20)), return_exceptions=True)

    assert [Trouble.WRONG_KEY] * 20 == [outcome.trouble for outcome in outcomes if isinstance(outcome, NotDone)]
    assert 1 == halo.times("/auth/token")


async def test_halopsa_5_a_missing_right_is_called_that(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    halo.forbidden = {"GET /api/Tickets"}

    assert Trouble.MISSING_PERMISSION is await found_wrong(halo, client)


async def test_halopsa_6_a_note_is_sent_in_an_array(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    await adapter(halo, client).add_note(halo.access(), "1001", a_note())

    (sent,) = [asked.json for asked in halo.asked if asked.method == "POST" and asked.path == "/api/Actions"]
    assert [1001] == [action["ticket_id"] for action in sent]
    assert 1 == len(halo.notes())


async def test_halopsa_7_a_ticket_that_is_not_there_is_gone(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    """F35."""
    with pytest.raises(NotDone) as read:
        await adapter(halo, client).ticket(halo.access(), "4004")
    with pytest.raises(NotDone) as noted:
        await adapter(halo, client).add_note(halo.access(), "4004", a_note())

    assert [Trouble.TICKET_GONE] * 2 == [refused.value.trouble for refused in (read, noted)]
    assert 0 == halo.posts()


async def test_halopsa_8_an_outcome_that_is_not_there_is_a_wrong_setting(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    psa = adapter(halo, client)
    access = halo.access(settings={"outcome": "Secret Note"})

    for call in (psa.check(access), psa.add_note(access, "1001", a_note())):
        with pytest.raises(NotDone) as refused:
            await call
        assert (Trouble.WRONG_SETTING, True) == (refused.value.trouble, refused.value.permanent)


async def test_halopsa_9_an_outcome_that_the_agent_may_not_run_is_a_wrong_setting(
    halo: HaloPsaSimulator, client: httpx.AsyncClient
) -> None:
    with pytest.raises(NotDone) as refused:
        await adapter(halo, client).add_note(halo.access(settings={"outcome_id": 9}), "1001", a_note())

    assert Trouble.WRONG_SETTING is refused.value.trouble


async def test_halopsa_10_over_the_rate_the_vendor_is_left_alone(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    """F33: without a time to wait for."""
    psa = adapter(halo, client)
    await psa.check(halo.access())
    halo.calls_left = 0
    before = len(halo.asked)

    for _ in range(3):
        with pytest.raises(NotDone) as refused:
            await psa.add_note(halo.access(), "1001", a_note())
        assert Trouble.TOO_MANY_CALLS is refused.value.trouble

    assert 1 == len(halo.asked) - before


async def test_halopsa_10_the_vendors_limit_is_kept_by_ourselves(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    psa = adapter(halo, client)

    outcomes = await asyncio.gather(*(psa.ticket(halo.access(), "1001") for _ in range(120)), return_exceptions=True)

    assert 0 < halo.calls_left
    assert {Trouble.TOO_MANY_CALLS} == {outcome.trouble for outcome in outcomes if isinstance(outcome, NotDone)}


async def test_halopsa_11_a_closed_ticket_is_not_opened_by_a_note(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    """F35."""
    halo.tickets[1001].closed = True

    assert (Trouble.TICKET_GONE, 0) == ((await refusal(halo, client)).trouble, halo.posts())


async def test_halopsa_12_where_no_address_for_tokens_is_told_it_is_the_usual_one(
    halo: HaloPsaSimulator, client: httpx.AsyncClient
) -> None:
    halo.play(Trick(ending="/api/authinfo", instead=Said(404, b"<html>")))

    await adapter(halo, client).check(halo.access())

    assert 1 == halo.tokens_given


async def test_halopsa_13_a_token_lives_as_long_as_it_says(halo: HaloPsaSimulator, client: httpx.AsyncClient) -> None:
    halo.expires_in = 1
    psa = adapter(halo, client)

    await psa.members(halo.access())
    await psa.members(halo.access())

    assert 2 == halo.tokens_given


# Autotask


async def test_autotask_1_an_unknown_user_is_a_wrong_key(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    assert Trouble.WRONG_KEY is await found_wrong(autotask, client, username="nobody@acme.example")


async def test_autotask_2_a_wrong_secret_is_a_wrong_key(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    assert Trouble.WRONG_KEY is await found_wrong(autotask, client, secret="canary-other-secret")


@pytest.mark.parametrize("new_refusals", [False, True])
async def test_autotask_3_a_wrong_integration_code_is_a_wrong_key(
    autotask: AutotaskSimulator, client: httpx.AsyncClient, new_refusals: bool
) -> None:
    autotask.new_refusals = new_refusals

    assert Trouble.WRONG_KEY is await found_wrong(autotask, client, integration_code="CANARYOTHER")


async def test_autotask_4_a_tenant_that_moved_is_found_in_its_new_zone(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    psa = adapter(autotask, client)
    await psa.check(autotask.access())
    autotask.zone = "/OtherZone/"

    await psa.add_note(autotask.access(), "1001", a_note())

    assert (1, 2) == (len(autotask.notes()), autotask.times("zoneInformation"))


async def test_autotask_4_nobody_who_is_spoken_to_over_tls_sends_us_elsewhere_without() -> None:
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return streamed(200, {"url": "http://elsewhere.example/ATServicesRest/"})

    with AutotaskSimulator.running() as simulator:
        access = simulator.access()
    access = evolve(access, base_url="https://webservices.autotask.example")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(NotDone):
            await Autotask(client, SystemClock()).check(access)

    assert ["https://webservices.autotask.example/atservicesrest/v1.0/zoneInformation?user=api%40acme.example"] == asked


async def test_autotask_5_a_note_is_posted_below_its_ticket(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    await adapter(autotask, client).add_note(autotask.access(), "1001", a_note())

    assert ["/ATServicesRest/v1.0/Tickets/1001/Notes"] == [asked.path for asked in autotask.asked if asked.path.endswith("Notes")]


async def test_autotask_6_type_and_readers_of_a_note_are_looked_up_among_the_tenants_own(
    autotask: AutotaskSimulator, client: httpx.AsyncClient
) -> None:
    autotask.publish = {"1": "Internal & Co-managed", "2": "All Autotask Users", "7": "Internal Users"}
    autotask.types = {"13": "Workflow Rule Note", "42": "Notes"}

    await adapter(autotask, client).add_note(autotask.access(), "1001", a_note())

    (note,) = autotask.notes()
    assert (42, 7) == (note.raw["noteType"], note.raw["publish"])


async def test_autotask_6_where_no_choice_is_internal_nothing_is_posted(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    autotask.publish = {"1": "All Autotask Users", "4": "Internal & Co-managed"}

    assert (Trouble.WRONG_SETTING, 0) == ((await refusal(autotask, client)).trouble, autotask.posts())
    assert Trouble.WRONG_SETTING is await found_wrong(autotask, client)


async def test_autotask_6_choices_may_be_named(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    settings = {"note_type": "task summary", "publish": "All Autotask Users"}

    await adapter(autotask, client).add_note(autotask.access(settings=settings), "1001", a_note())

    (note,) = autotask.notes()
    assert (1, 1, True) == (note.raw["noteType"], note.raw["publish"], note.public)


@pytest.mark.parametrize("settings", [{"publish": 3}, {"note_type": 99}, {"publish": 3, "note_type": 99}])
async def test_autotask_7_a_choice_that_is_not_there_is_a_wrong_setting(
    autotask: AutotaskSimulator, client: httpx.AsyncClient, settings: dict[str, int]
) -> None:
    with pytest.raises(NotDone) as refused:
        await adapter(autotask, client).add_note(autotask.access(settings=dict(settings)), "1001", a_note())

    assert (Trouble.WRONG_SETTING, True) == (refused.value.trouble, refused.value.permanent)


async def test_autotask_8_a_missing_right_is_called_that(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    autotask.forbidden = {"POST /Notes"}

    assert Trouble.MISSING_PERMISSION is (await refusal(autotask, client)).trouble


async def test_autotask_8_a_missing_right_to_read_is_found_by_a_test(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    autotask.play(Trick(ending="/fields", instead=Said(500, {"errors": [RIGHTS.format("query")]})))

    assert Trouble.MISSING_PERMISSION is await found_wrong(autotask, client)


async def test_autotask_9_no_more_calls_are_in_flight_than_the_vendor_takes(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    autotask.most_threads = 2
    psa = adapter(autotask, client)

    await asyncio.gather(*(psa.add_note(autotask.access(), "1001", a_note(number)) for number in range(12)))

    assert 12 == len(autotask.notes())


@pytest.mark.parametrize("said", [THREADS, Said(500, {"errors": ["Itgenatr005: too many threads"]})])
async def test_autotask_9_too_many_threads_pass_whatever_status_they_come_with(
    autotask: AutotaskSimulator, client: httpx.AsyncClient, said: Said
) -> None:
    autotask.play_on_notes(instead=said)

    refused = await refusal(autotask, client)

    assert (Trouble.TOO_MANY_CALLS, False) == (refused.trouble, refused.permanent)


async def test_autotask_10_over_the_hours_limit_it_is_too_many_calls(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    autotask.calls_left = 0

    assert Trouble.TOO_MANY_CALLS is (await refusal(autotask, client)).trouble


async def test_autotask_10_an_empty_answer_is_a_ticket_that_is_not_there(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    """F35: it is no error there."""
    with pytest.raises(NotDone) as read:
        await adapter(autotask, client).ticket(autotask.access(), "4004")
    with pytest.raises(NotDone) as noted:
        await adapter(autotask, client).add_note(autotask.access(), "4004", a_note())

    assert [Trouble.TICKET_GONE] * 2 == [refused.value.trouble for refused in (read, noted)]
    assert 0 == autotask.posts()


async def test_autotask_11_a_status_that_a_rule_undoes_is_no_success(autotask: AutotaskSimulator, client: httpx.AsyncClient) -> None:
    autotask.play(*[Trick("PATCH", "/Tickets", instead=Said(200, {"itemId": 1001}))] * 2)

    with pytest.raises(NotDone) as undone:
        await adapter(autotask, client).set_status(autotask.access(), "1001", "In Progress")

    assert (Trouble.REFUSED, 2) == (undone.value.trouble, autotask.times("v1.0/Tickets"))


async def test_autotask_12_words_that_nobody_knows_are_never_repeated_but_looked_after(
    autotask: AutotaskSimulator, client: httpx.AsyncClient
) -> None:
    """F34: its 500 is the answer to what it will not take, and may still come after the note was written."""
    autotask.play_on_notes(afterwards=Said(500, {"errors": ["Something is odd."]}))

    refused = await refusal(autotask, client)

    assert (True, True, 1) == (refused.permanent, refused.unknown, len(autotask.notes()))


# All of them


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("30", 29, 30),
        ("99999999999999999999", LONGEST_PAUSE - 1, LONGEST_PAUSE),
        (timedelta(minutes=10), 500, 600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE - 1, LONGEST_PAUSE),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
        ("-5", 0, 0),
        ("soon", 4, 5),
    ],
    ids=["seconds", "absurd", "a date", "an absurd date", "a date gone by", "less than none", "no number"],
)
async def test_a_rest_is_as_long_as_asked_for_and_makes_sense(
    any_simulator: Simulator, client: httpx.AsyncClient, header: str | timedelta, least: float, most: float
) -> None:
    """F33: seconds, a date, and what is absurd."""
    said = header if isinstance(header, str) else format_datetime(datetime.now(UTC) + header, usegmt=True)
    any_simulator.play_on_notes(instead=Said(429, b"", {"Retry-After": said}))

    refused = await refusal(any_simulator, client)

    assert refused.retry_after is not None
    assert least <= refused.retry_after <= most


async def test_a_rest_is_the_connections_that_it_was_asked_of(any_simulator: Simulator, client: httpx.AsyncClient) -> None:
    """F33: per account, though both are the same vendor's."""
    psa = adapter(any_simulator, client)
    any_simulator.play_on_notes(instead=Said(429, b"", {"Retry-After": "600"}))
    with pytest.raises(NotDone):
        await psa.add_note(any_simulator.access(account=1), "1001", a_note(1))

    await psa.add_note(any_simulator.access(account=2), "1001", a_note(2))

    assert 1 == len(any_simulator.notes())


@pytest.mark.parametrize(
    "page",
    [Said(200, b"<html>Sign in to the hotel</html>"), Said(302, b"", {"Location": "http://127.0.0.1:1/"}), Said(503, b"<html>"), HANG_UP],
)
async def test_what_is_no_answer_of_the_vendors_leaves_the_outcome_unknown(
    any_simulator: Simulator, client: httpx.AsyncClient, page: Said
) -> None:
    any_simulator.play_on_notes(instead=page)

    refused = await refusal(any_simulator, client)

    assert (False, True) == (refused.permanent, refused.unknown)
    assert "<" not in refused.problem


async def test_a_ticket_that_was_merged_away_is_gone(any_simulator: Simulator, client: httpx.AsyncClient) -> None:
    """F35: 410, whichever call it is that hears of it."""
    any_simulator.play(*[Trick(instead=Said(410, {"code": "Gone", "message": "merged"}), ending=any_simulator.posting[1])] * 2)

    refused = await refusal(any_simulator, client)

    assert (Trouble.TICKET_GONE, True, 0) == (refused.trouble, refused.permanent, len(any_simulator.notes()))


@pytest.mark.parametrize("body", [b"x" * (MOST_BYTES + 1), gzip.compress(b"{}" * 1_000_000)])
async def test_an_answer_without_end_is_not_read_to_its_end(any_simulator: Simulator, client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Encoding": "gzip"} if body.startswith(b"\x1f") else {}
    any_simulator.play_on_notes(instead=Said(200, body, headers))

    assert Trouble.NOT_THE_API is (await refusal(any_simulator, client)).trouble


async def test_a_vendor_that_is_not_there_cannot_be_reached(any_simulator: Simulator, client: httpx.AsyncClient) -> None:
    access = any_simulator.access()
    gone = evolve(access, base_url="http://127.0.0.1:1")

    with pytest.raises(NotDone) as refused:
        await adapter(any_simulator, client).check(gone)

    assert (Trouble.UNREACHABLE, False) == (refused.value.trouble, refused.value.permanent)


async def test_what_a_vendor_repeats_of_our_secrets_goes_no_further(any_simulator: Simulator, client: httpx.AsyncClient) -> None:
    echo = " ".join(any_simulator.credentials.values())
    any_simulator.play_on_notes(instead=Said(500, {"errors": [f"refused: {echo}"], "message": echo}))

    refused = await refusal(any_simulator, client)

    assert "[hidden]" in refused.problem
    assert not [secret for secret in any_simulator.credentials.values() if secret in refused.problem]


async def test_a_connection_shows_no_secret_of_its_own(any_simulator: Simulator) -> None:
    access = any_simulator.access()

    assert not [secret for secret in access.credentials.values() if secret in repr(access)]
