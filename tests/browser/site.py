"""FlowPilot in memory behind a real socket, in a thread of its own, for browsers to look at."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx
from attrs import define, field

from flowpilot_adapters.memory import MemoryEventStream, MemoryNotifier, MemoryStore, MemoryVault
from flowpilot_adapters.pictures import PillowPictures
from flowpilot_adapters.recurrence import recurrence
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.assistant.assessing import MakeAssessment
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.knowledge.proposals import ProposeTree
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.redaction import as_it_is
from flowpilot_http import server
from flowpilot_http.app import create_app
from flowpilot_http.cursors import Cursors
from flowpilot_http.sse import EventIds, Sse
from tests.support.http import SECRET_KEY, all_is_well
from tests.support.product import PARSERS

T = TypeVar("T")
PEOPLE: Mapping[str, Role] = {
    "Olga Berg": Role.OWNER,
    "Adam Adler": Role.ADMIN,
    "Jo Keller": Role.ENGINEER,
    "Sam Okafor": Role.ENGINEER,
    "Sue Lind": Role.ENGINEER,
    "Vera Blick": Role.VIEWER,
}


@define(eq=False)
class Site:
    """A server with one account; it can go away and come back, and keeps what it knows."""

    port: int = 0
    people: dict[str, User] = field(factory=dict)
    """By first name, in small letters."""
    store: MemoryStore = field(factory=lambda: MemoryStore(clock=SystemClock(), new_token=new_id))
    mailbox: MemoryNotifier = field(factory=MemoryNotifier)
    account_id: AccountId = field(init=False)
    flowpilot: FlowPilot = field(init=False)
    _waking: MemoryEventStream = field(factory=MemoryEventStream)
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.new_event_loop)
    _stop: asyncio.Event = field(factory=asyncio.Event)
    _serving: "Future[None] | None" = None
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.flowpilot = FlowPilot.of(
            begin=self.store.begin,
            view=self.store.view,
            clock=SystemClock(),
            new_id=new_id,
            new_secret=new_secret,
            vault=MemoryVault(),
            pictures=PillowPictures(compute_here),
            committed=self._waking.publish,
            parsers=PARSERS,
            recurrence=recurrence,
        )
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._people())

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, work: Awaitable[T]) -> T:
        """What a coroutine comes to, on the server's own loop."""

        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(60)

    def person(self, name: str) -> Person:
        user = self.people[name]
        return Person(account_id=self.account_id, user_id=user.id, role=user.role, name=user.name)

    def link(self, name: str) -> str:
        """What signs somebody in."""
        return f"{self.address}/sign-in-link/{self.run(self.flowpilot.signing_in.link(self.account_id, self.people[name].id))}"

    def start(self) -> None:
        """Serve, at the port it had before."""
        listener = server.listening("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        ready = threading.Event()
        self._serving = asyncio.run_coroutine_threadsafe(self._serve(listener, ready.set), self._loop)
        ready.wait(30)

    def stop(self) -> None:
        """Go away."""
        self._loop.call_soon_threadsafe(self._stop.set)
        if self._serving:
            self._serving.result(60)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def relay_runs(self) -> None:
        """Everything that is due is done."""
        self.run(self.works())

    async def works(self) -> None:
        """The same, on the server's own loop."""
        while await self._relay().run_once():
            pass

    async def _people(self) -> None:
        account = await self.flowpilot.accounts.create("Harbour IT")
        self.account_id = account.id
        await self.flowpilot.accounts.add_team(account.id, "Network")
        for name, role in PEOPLE.items():
            first = name.partition(" ")[0].lower()
            self.people[first] = await self.flowpilot.accounts.add_user(account.id, email=f"{first}@example.test", name=name, role=role)

    async def _serve(self, listener: Any, ready: Callable[[], None]) -> None:
        self._stop = asyncio.Event()
        push = Push(
            begin=self.store.begin,
            view=self.store.view,
            wire=Sse(EventIds(Cursors([SECRET_KEY]))),
            jitter=lambda: 0.0,
            node_id=new_id(),
            standing=self.flowpilot.accounts.standing,
        )
        app = create_app(
            self.flowpilot,
            clock=SystemClock(),
            new_id=new_id,
            new_secret=new_secret,
            secret_keys=[SECRET_KEY],
            base_url=self.address,
            probe=all_is_well,
            push=push,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(push.run(self._waking, self._stop))
            tasks.create_task(server.serve(app, listener, self._stop))
            tasks.create_task(self._answers(ready))

    async def _answers(self, ready: Callable[[], None]) -> None:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=20)) as client:
            await client.get(f"{self.address}/health/live")
        ready()

    def _relay(self) -> Relay:
        units = Units(begin=self.store.begin, committed=self._waking.publish, new_id=new_id)
        handlers: dict[WorkKind, Handler] = {
            WorkKind.ASSESSMENT: MakeAssessment(units=units, view=self.store.view, redact=as_it_is, clock=SystemClock()),
            WorkKind.DELIVERY: SendDelivery(
                units=units,
                notifier=self.mailbox,
                clock=SystemClock(),
                jitter=lambda: 0.0,
                links=Links.of(self.address, SECRET_KEY),
                redact=as_it_is,
                mail_domain="example.test",
            ),
            WorkKind.TREE_PROPOSAL: ProposeTree(units=units, view=self.store.view, redact=as_it_is, clock=SystemClock(), new_id=new_id),
        }
        return Relay(outbox=self.store.outbox, begin=self.store.begin, handlers=handlers, jitter=lambda: 0.0)
