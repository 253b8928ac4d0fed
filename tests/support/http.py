"""FlowPilot over HTTP: two accounts with people, and somebody to call as."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cache
from types import MappingProxyType
from typing import Any

import httpx
from attrs import evolve, frozen
from litestar.datastructures import State

from flowpilot_adapters.memory import MemoryNotifier, MemoryOpenId, MemoryPsa, MemoryStore, MemoryTicket, MemoryVault
from flowpilot_adapters.patterns import matches
from flowpilot_adapters.pictures import PillowPictures
from flowpilot_adapters.recurrence import recurrence
from flowpilot_adapters.system import new_id, new_secret
from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.access.sign_in_codes import SendSignInCode
from flowpilot_core.application.assistant.assessing import MakeAssessment
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.insights.weekly_digest_mailing import SendWeeklyDigest
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.knowledge.proposals import ProposeTree
from flowpilot_core.application.knowledge.uses import CountUse
from flowpilot_core.application.maintenance.notices import SendNotice
from flowpilot_core.application.maintenance.running import StartOccurrences, StartSessions
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.application.psa.access import Psas
from flowpilot_core.application.psa.posting import PostNote
from flowpilot_core.application.psa.ticket_checks import LookAtTicket
from flowpilot_core.application.psa.tickets import ReadTicket
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.ports.access import OpenId, Vault
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.psa import Psa
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import SetClock
from flowpilot_core.testing.contracts.knowledge.trees import a_platform
from flowpilot_core.testing.redaction import as_it_is
from flowpilot_http.app import create_app
from flowpilot_http.auth import Cookies, Door
from flowpilot_http.cursors import Cursors
from flowpilot_http.metrics import Metrics
from flowpilot_http.middleware import Edge
from flowpilot_http.open_reads import OpenReads
from flowpilot_http.readiness import Readiness
from tests.support.product import PARSERS, a_product

BASE = "https://flowpilot.test"
SECRET_KEY = b"a key that only these tests know of"


async def all_is_well() -> Readiness:
    """A probe that finds nothing wrong."""
    return Readiness(problems={"database": None, "migrations": None, "relay": None}, relay_lags={})


@frozen(kw_only=True)
class Somebody:
    """A person with a token."""

    account_id: AccountId
    user: User
    token: str
    client: httpx.AsyncClient
    begin: BeginWork[UnitOfWork]
    """For what no request makes."""

    @property
    def id(self) -> str:
        return str(self.user.id)

    @property
    def by(self) -> dict[str, str]:
        """How they stand on record."""
        return {"id": self.id, "name": self.user.name}

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=_named(headers))

    async def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return await self.client.post(path, json={} if body is None else body, headers=_named(headers))

    async def patch(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.client.patch(path, json=body, headers=_named(headers))

    async def send(self, method: str, path: str, raw: bytes, **headers: str) -> httpx.Response:
        """A body that httpx would not make."""
        return await self.client.request(method, path, content=raw, headers=_named({"content_type": "application/json", **headers}))

    async def made(self, path: str, body: object = None) -> Any:
        """What a POST that must succeed answers."""
        answer = await self.post(path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def seen(self, path: str) -> Any:
        """What a GET that must succeed answers."""
        answer = await self.get(path)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def session(self, **values: object) -> Any:
        """A session of theirs."""
        return await self.made("/ai-sessions", {"title": "No mail", "problem": "Nothing arrives", **values})

    async def escalation_of(self, **values: object) -> Any:
        """An escalation of a session of theirs that has these values."""
        session = await self.session(**values)
        return await self.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck"})

    async def escalation(self, **values: object) -> Any:
        """A session of theirs, escalated."""
        session = await self.session()
        return await self.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck", **values})


@frozen(kw_only=True)
class World:
    """Two accounts, `acme` with somebody of every role and `rival` with an owner and an engineer, and nobody signed in."""

    app: Edge
    flowpilot: FlowPilot
    view: ViewOf[View]
    relay: Relay
    clock: SetClock
    mailbox: MemoryNotifier
    psa: MemoryPsa
    """Where the accounts keep their tickets, if they connect it."""
    owner: Somebody
    admin: Somebody
    junior: Somebody
    senior: Somebody
    viewer: Somebody
    rival: Somebody
    rival_owner: Somebody
    nobody: httpx.AsyncClient

    async def relay_runs(self) -> None:
        """Everything that is due is done."""
        while await self.relay.run_once():
            pass


async def a_world() -> World:
    """A fresh one in memory."""
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    return await a_world_in(store.begin, store.view, store.outbox)


async def a_world_of_one_clock() -> World:
    """A fresh one in memory, where what is due later is due once that time has come."""
    clock = SetClock()
    store = MemoryStore(clock=clock, new_token=new_id)
    return await a_world_in(store.begin, store.view, store.outbox, clock=clock)


async def a_world_in(
    begin: BeginWork[UnitOfWork],
    view: ViewOf[View],
    outbox: Outbox,
    *,
    push: Push | None = None,
    openid: OpenId | None = None,
    vault: Vault | None = None,
    psas: Mapping[str, Psa] = MappingProxyType({}),
    committed: Callable[[AccountId], None] = lambda _: None,
    metrics: Metrics | None = None,
    clock: SetClock | None = None,
) -> World:
    """A fresh one in a store that may hold others; its requests are counted in `metrics` or among those of all other worlds."""
    clock, vault, mailbox = clock or SetClock(), vault or MemoryVault(), MemoryNotifier()
    psa = MemoryPsa(tickets={"1001": MemoryTicket(), "1002": MemoryTicket()})
    vendors: Mapping[str, Psa] = {psa.system: psa, **psas}
    flowpilot = FlowPilot.of(
        begin=begin,
        view=view,
        clock=clock,
        new_id=new_id,
        new_secret=new_secret,
        committed=committed,
        vault=vault,
        psas=vendors,
        openid=openid or MemoryOpenId(),
        parsers=PARSERS,
        recurrence=recurrence,
        pictures=PillowPictures(compute_here),
        base_url=BASE,
    )
    app = an_app(flowpilot, clock, push=push) if metrics is None else _drawn(flowpilot, clock, push=push, metrics=metrics)
    acme = await flowpilot.accounts.create("Acme")
    rival = await flowpilot.accounts.create("Rival")

    for account in (acme, rival):
        await flowpilot.accounts.add_team(account.id, "Network")

    async def somebody(account_id: AccountId, name: str, role: Role) -> Somebody:
        email = f"{name.lower()}@example.test"
        user = await flowpilot.accounts.add_user(account_id, email=email, name=name, role=role)
        _, token = await flowpilot.accounts.add_token(account_id, user.id)
        return Somebody(account_id=account_id, user=user, token=token, client=client_of(app, token), begin=begin)

    units = Units(begin=begin, committed=lambda _: None, new_id=new_id)
    desk = Psas(vendors=vendors, safe=Safe(vault=vault, clock=clock, new_id=new_id))
    handlers: dict[WorkKind, Handler] = {
        WorkKind.ASSESSMENT: MakeAssessment(units=units, view=view, redact=as_it_is, clock=clock),
        WorkKind.PSA_POST: PostNote(units=units, psas=desk, clock=clock, jitter=lambda: 0.0, redact=as_it_is, base_url=BASE),
        WorkKind.PSA_TICKET: LookAtTicket(units=units, psas=desk, clock=clock, jitter=lambda: 0.0),
        WorkKind.TICKET_FACTS: ReadTicket(units=units, psas=desk, clock=clock, jitter=lambda: 0.0),
        WorkKind.DELIVERY: SendDelivery(
            units=Units(begin=begin, committed=lambda _: None, new_id=new_id),
            notifier=mailbox,
            clock=clock,
            jitter=lambda: 0.0,
            links=Links.of(BASE, SECRET_KEY),
            redact=as_it_is,
            mail_domain="acme.test",
        ),
        WorkKind.GALLERY_USE: CountUse(units=units),
        WorkKind.TREE_PROPOSAL: ProposeTree(units=units, view=view, redact=as_it_is, clock=clock, new_id=new_id),
        WorkKind.WEEKLY_DIGEST: SendWeeklyDigest(
            begin=begin,
            analytics=flowpilot.analytics,
            notifier=mailbox,
            clock=clock,
            jitter=lambda: 0.0,
            links=Links.of(BASE, SECRET_KEY),
            mail_domain="acme.test",
        ),
        WorkKind.MAINTENANCE: StartOccurrences(
            units=units, clock=clock, new_id=new_id, recurrence=recurrence, compute=compute_here, matches=matches
        ),
        WorkKind.MAINTENANCE_RUN: StartSessions(units=units, clock=clock, new_id=new_id, matches=matches),
        WorkKind.MAINTENANCE_NOTICE: SendNotice(
            begin=begin, notifier=mailbox, clock=clock, jitter=lambda: 0.0, redact=as_it_is, base_url=BASE, mail_domain="acme.test"
        ),
        WorkKind.SIGN_IN_CODE: SendSignInCode(
            begin=begin, notifier=mailbox, clock=clock, jitter=lambda: 0.0, new_secret=new_secret, mail_domain="acme.test"
        ),
    }
    relay = Relay(outbox=outbox, begin=begin, handlers=handlers, jitter=lambda: 0.0)
    return World(
        app=app,
        flowpilot=flowpilot,
        view=view,
        relay=relay,
        clock=clock,
        mailbox=mailbox,
        psa=psa,
        owner=await somebody(acme.id, "Olga", Role.OWNER),
        admin=await somebody(acme.id, "Adam", Role.ADMIN),
        junior=await somebody(acme.id, "Jo", Role.ENGINEER),
        senior=await somebody(acme.id, "Sam", Role.ENGINEER),
        viewer=await somebody(acme.id, "Vera", Role.VIEWER),
        rival=await somebody(rival.id, "Rita", Role.ENGINEER),
        rival_owner=await somebody(rival.id, "Rob", Role.OWNER),
        nobody=client_of(app),
    )


def _drawn(flowpilot: FlowPilot, clock: SetClock, *, push: Push | None = None, metrics: Metrics | None = None) -> Edge:
    return create_app(
        flowpilot,
        clock=clock,
        new_id=new_id,
        new_secret=new_secret,
        secret_keys=[SECRET_KEY],
        base_url=BASE,
        probe=all_is_well,
        push=push,
        metrics=metrics,
        security_contact="mailto:security@example.test",
        open_reads=OpenReads(allowed=True),
    )


@cache
def _pattern() -> Edge:
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    nobodys = a_product(store, clock=SetClock())
    return _drawn(nobodys, SetClock())


def an_app(flowpilot: FlowPilot, clock: SetClock, *, push: Push | None = None, keys: Sequence[bytes] = (SECRET_KEY,)) -> Edge:
    """The application before this one. Routes and document are drawn once for all of them: that takes longer than most tests."""
    edge = copy(_pattern())
    edge.app = copy(edge.app)
    face = evolve(
        edge.app.state["face"],
        flowpilot=flowpilot,
        cursors=Cursors(keys),
        clock=clock,
        push=push,
        door=Door(flowpilot, Cookies(BASE), new_secret),
        open_reads=OpenReads(allowed=True),
        links=Links.of(BASE, *keys),
    )
    edge.app.state = State({"face": face}, deep_copy=False)
    return edge


async def somebody_of_the_platform(world: World, role: Role) -> Somebody:
    """A person of the platform's account."""
    accounts = world.flowpilot.accounts
    await a_platform(accounts.begin)
    user = await accounts.add_user(PLATFORM_ACCOUNT, email=f"{new_id()}@example.test", name="Pia", role=role)
    _, token = await accounts.add_token(PLATFORM_ACCOUNT, user.id)
    return Somebody(account_id=PLATFORM_ACCOUNT, user=user, token=token, client=client_of(world.app, token), begin=world.owner.begin)


def client_of(app: Edge, token: str | None = None, *, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client of the application itself, without a network, at that address."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app, client=(address, 1))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)


def _named(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
