"""HaloPSA."""

import asyncio
import html
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

import httpx
from attrs import define, field, frozen

from flowpilot_core.domain.kernel.errors import NotVouchedFor
from flowpilot_core.domain.psa.vendor import Kind, NoteFormat, Setting, Vendor, there_are
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.psa import Access, Choices, Knock, Member, NotDone, Note, Posted, PsaTicket, TicketNote, TimeEntry, Trouble

from .vendor_cache import Remembered
from .vendor_json import (
    RECENT,
    chosen,
    hours,
    number,
    options,
    plain,
    read,
    record,
    records,
    the_one,
    ticket_number,
    unescaped,
    when,
    words,
)
from .vendor_line import Call, Line, Query, Reply, Window
from .webhook_verification import is_secret, password, ticket_in, told


def ticket_page(base_url: str, ticket_id: str) -> str:
    """Where people see a ticket."""
    return f"{base_url.rstrip('/')}/ticket?id={quote(ticket_id, safe='')}"


VENDOR = Vendor(
    system="halopsa",
    name="HaloPSA",
    needs=("client_id", "client_secret"),
    takes=("tenant",),
    settings={
        "outcome": Setting(means="the name of the action that a note is; Private Note if left out"),
        "outcome_id": Setting(kind=Kind.NUMBER, means="its number, in place of the name"),
        "hidden_from_user": Setting(kind=Kind.SWITCH, means="whether the client sees no note; true if left out"),
    },
    to_client={"hidden_from_user": False},
    format=NoteFormat.HTML,
    notes_on_closed=False,
    ticket_page=ticket_page,
)

SECRET_HEADER = "x-webhook-secret"  # noqa: S105  (the name of a header)
USUAL_OUTCOME = "Private Note"
LONGEST_HTML = 20_000
"""Characters of a note: the vendor names no limit, and more than this nobody reads on a ticket."""
MOST_ACTIONS = 500
PAGE = 100
MOST_PAGES = 20
HALF_A_DAY = 12 * 3600.0
EARLY = 30.0
"""Seconds before it expires that a token is taken for expired."""
USUAL_LIFE = 3600
"""Seconds of a token that does not say."""
FAIR_USE = Window(most=290, seconds=300.0)
"""The vendor counts 300 in five minutes, or more where it is newer; the ten are for whoever else uses the application."""


@frozen
class Token:
    """What is sent with every call, and how long it is good for."""

    text: str = field(repr=False)
    seconds: float


@define
class HaloPsa:
    """Writes to HaloPSA; rights are baked into its tokens, so that after a refusal each call tries once more with a fresh one."""

    client: httpx.AsyncClient
    clock: Clock
    deadline: float = 30.0
    window: Window = FAIR_USE
    vendor: Vendor = field(default=VENDOR, init=False)
    _line: Line = field(init=False)
    _doors: Remembered[str] = field(factory=Remembered, init=False)
    _tokens: Remembered[Token] = field(factory=Remembered, init=False)

    @_line.default
    def _new_line(self) -> Line:
        return Line(vendor=VENDOR.name, client=self.client, clock=self.clock, at_once=2, window=self.window, deadline=self.deadline)

    async def check(self, access: Access) -> None:
        """As `Psa.check`: signs in, reads one ticket, and looks whether the outcome is one that there is."""
        self._doors.forget(access.key)
        self._tokens.forget(access.key)
        await self._token(access)
        await self._read(access, "Tickets", {"count": 1})
        outcomes = _listed(await self._read(access, "Outcome"), "outcomes")
        wanted = _outcome(access)
        if outcomes and not any(_is(outcome, wanted) for outcome in outcomes):
            names = (words(outcome, "outcome", "name", "buttonname") or "" for outcome in outcomes)
            raise NotDone(Trouble.WRONG_SETTING, f"HaloPSA has no action {next(iter(wanted.values()))}; {there_are(names)}")

    async def longest_note(self, access: Access) -> int:
        """The same for everybody."""
        return LONGEST_HTML

    async def find_note(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Reads the ticket's actions; checks that they are its own, since unknown filters are ignored there."""
        found = _number(ticket_id)
        await self._open_ticket(access, found)
        for action in await self._actions(access, found, MOST_ACTIONS):
            await asyncio.sleep(0)
            if marker in _said(action):
                return str(number(action, "id"))
        return None

    async def add_note(self, access: Access, ticket_id: str, note: Note) -> Posted:
        """An action on the ticket."""
        hidden = access.settings.get("hidden_from_user", True)
        return await self._act(access, ticket_id, {"note_html": note.text, "hiddenfromuser": hidden})

    async def ticket(self, access: Access, ticket_id: str) -> PsaTicket:
        """The ticket and its newest actions; its status is looked up."""
        found = await self._open_ticket(access, _number(ticket_id))
        actions = await self._actions(access, _number(ticket_id), RECENT)
        statuses = {number(status, "id"): words(status, "name") for status in await self._statuses(access)}
        return PsaTicket(
            id=ticket_id,
            title=words(found, "summary") or "",
            status=statuses.get(number(found, "status_id")),
            closed=found.get("hasbeenclosed") is True,
            closed_at=when(found, "dateclosed"),
            client_name=words(found, "client_name", "client"),
            contact_name=words(found, "user_name", "user"),
            priority=words(found, "priority", "priority_name"),
            notes=tuple(_note(action) for action in actions[:RECENT]),
        )

    async def members(self, access: Access) -> Sequence[Member]:
        """Its agents."""
        agents = _listed(await self._read(access, "Agent"), "agents")
        return [
            Member(id=str(number(agent, "id")), name=words(agent, "name") or "", email=words(agent, "email"))
            for agent in agents
            if agent.get("isdisabled") is not True
        ]

    async def told(self, access: Access, knock: Knock, secret: str) -> str | None:
        """With the secret as the password of basic authentication, or in a header; the ticket stands in one of three places."""
        if not (is_secret(password(knock), secret) or is_secret(knock.headers.get(SECRET_HEADER, ""), secret)):
            raise NotVouchedFor
        body = told(knock)
        return ticket_in(body.get("ticket"), "id") or ticket_in(body, "object_id", "ticket_id")

    async def member_by_email(self, access: Access, email: str) -> Member | None:
        """Reads them all: a search that this Halo does not know would be ignored, and its first pages taken for an answer."""
        return the_one(await self.members(access), email)

    async def choices(self, access: Access) -> Choices:
        """Its statuses and priorities."""
        return Choices(statuses=options(await self._statuses(access), "name"), priorities=await self._priorities(access))

    async def set_status(self, access: Access, ticket_id: str, status: str) -> None:
        """By its number; a name is looked up among the tenant's."""
        wanted = ticket_number(status) or _among(options(await self._statuses(access), "name"), status, "status")
        await self._set(access, ticket_id, "status_id", wanted)

    async def set_priority(self, access: Access, ticket_id: str, priority: str) -> None:
        """By its number or name."""
        await self._set(access, ticket_id, "priority_id", _among(await self._priorities(access), priority, "priority"))

    async def set_owner(self, access: Access, ticket_id: str, member_id: str) -> None:
        """One of its agents."""
        await self._set(access, ticket_id, "agent_id", int(member_id))

    async def find_time(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Work stands in actions, as notes do."""
        return await self.find_note(access, ticket_id, marker)

    async def add_time(self, access: Access, ticket_id: str, entry: TimeEntry) -> Posted:
        """An action that took time, of the agent whose work it was."""
        text = f"<p>{html.escape(entry.text)}</p>"
        more = {"timetaken": hours(entry.minutes), "who_agentid": int(entry.member_id), "hiddenfromuser": True}
        return await self._act(access, ticket_id, {"note_html": text, **more})

    async def _act(self, access: Access, ticket_id: str, action: Mapping[str, object]) -> Posted:
        """An action on a ticket; none on a closed one, which it would open again. Ids of actions count within their ticket."""
        found = _number(ticket_id)
        if (await self._open_ticket(access, found)).get("hasbeenclosed") is True:
            raise NotDone(Trouble.TICKET_GONE, "the ticket is closed in HaloPSA, and a note would open it again: open it there, then retry")
        body = {"ticket_id": found, **_outcome(access), **action, "sendemail": False}
        reply = await self._ask(access, "POST", "Actions", json=[body])
        created = reply.data[0] if isinstance(reply.data, list) and reply.data else reply.data
        return reply.made(number(created, "id"), VENDOR.name, _refusal)

    async def _set(self, access: Access, ticket_id: str, field: str, wanted: int) -> None:
        """Change one number of a ticket, if it is another one."""
        ticket = _number(ticket_id)
        if number(await self._open_ticket(access, ticket), field) == wanted:
            return
        reply = await self._ask(access, "POST", "Tickets", json=[{"id": ticket, field: wanted}])
        if not reply.ok:
            raise reply.refused(Trouble.WRONG_SETTING, f"HaloPSA refused the {field}") if reply.status == 400 else _refusal(reply)

    async def _priorities(self, access: Access) -> Mapping[str, str]:
        rows = _listed(await self._read(access, "Priority"), "priorities")
        return {str(number(row, "priorityid") or number(row, "id")): words(row, "name") or "" for row in rows}

    async def _statuses(self, access: Access) -> Sequence[Mapping[str, object]]:
        return _listed(await self._read(access, "Status"), "statuses")

    async def _open_ticket(self, access: Access, ticket: int) -> Mapping[str, object]:
        found = record(await self._read(access, f"Tickets/{ticket}", {"includedetails": "true"}))
        if number(found, "id") != ticket:
            raise NotDone(Trouble.TICKET_GONE, "HaloPSA answered with another ticket than was asked for")
        return found

    async def _actions(self, access: Access, ticket: int, most: int) -> Sequence[Mapping[str, object]]:
        """Newest first."""
        query: Query = {"ticket_id": ticket, "count": most, "excludesys": "true", "includehtmlnote": "true"}
        actions = _listed(await self._read(access, "Actions", query), "actions")
        own = [action for action in actions if number(action, "ticket_id") == ticket]
        return sorted(own, key=lambda action: number(action, "id") or 0, reverse=True)

    async def _read(self, access: Access, path: str, query: Query = MappingProxyType({})) -> object:
        return (await self._ask(access, "GET", path, query=query)).required(VENDOR.name, _refusal)

    async def _ask(self, access: Access, method: str, path: str, *, query: Query = MappingProxyType({}), json: object = None) -> Reply:
        token = await self._token(access)
        reply = await self._send(access, token, method, path, query, json)
        if reply.status in {401, 403}:
            self._tokens.forget(access.key, token)
            reply = await self._send(access, await self._token(access), method, path, query, json)
        return reply

    async def _send(self, access: Access, token: Token, method: str, path: str, query: Query, json: object) -> Reply:
        call = Call(
            method=method,
            url=f"{_api(access)}/{path}",
            headers={"Authorization": f"Bearer {token.text}", "Accept": "application/json"},
            query=query,
            json=json,
            writes=method != "GET",
        )
        return await self._line.call(access, call)

    async def _token(self, access: Access) -> Token:
        return await self._tokens.get(access.key, lambda: self._new_token(access), keep=lambda token: token.seconds)

    async def _new_token(self, access: Access) -> Token:
        door = await self._doors.get(access.key, lambda: self._door(access), keep=lambda _: HALF_A_DAY)
        credentials = access.credentials
        call = Call(
            method="POST",
            url=door,
            query={"tenant": credentials["tenant"]} if "tenant" in credentials and "?tenant=" not in door else {},
            form={
                "grant_type": "client_credentials",
                "client_id": credentials["client_id"],
                "client_secret": credentials["client_secret"],
                "scope": "all",
            },
        )
        reply = await self._line.call(access, call)
        token = words(reply.data, "access_token")
        if not reply.ok or token is None:
            raise _no_token(reply)
        life = number(reply.data, "expires_in")
        return Token(token, max(0.0, (USUAL_LIFE if life is None else life) - EARLY))

    async def _door(self, access: Access) -> str:
        """Where tokens are given out: the tenant says it, or else it is where it usually is."""
        reply = await self._line.call(access, Call(method="GET", url=f"{_api(access)}/authinfo", headers={"Accept": "application/json"}))
        told = words(reply.data, "auth_url") if reply.ok else None
        if told is None or not told.startswith(("https://", _scheme(access))):
            return f"{_root(access)}/auth/token"
        return f"{told.rstrip('/').removesuffix('/token')}/token"


def _root(access: Access) -> str:
    return access.base_url.rstrip("/").removesuffix("/api")


def _api(access: Access) -> str:
    return f"{_root(access)}/api"


def _scheme(access: Access) -> str:
    """Nobody who is spoken to over TLS sends us elsewhere without."""
    return access.base_url.partition("//")[0] + "//"


def _outcome(access: Access) -> Mapping[str, object]:
    if "outcome_id" in access.settings:
        return {"outcome_id": access.settings["outcome_id"]}
    return {"outcome": access.settings.get("outcome", USUAL_OUTCOME)}


def _is(outcome: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    if "outcome_id" in wanted:
        return number(outcome, "id") == wanted["outcome_id"]
    names = {outcome.get("outcome"), outcome.get("name"), outcome.get("buttonname")}
    return wanted["outcome"] in names


def _listed(answer: object, name: str) -> Sequence[Mapping[str, object]]:
    """A list, bare or under its name."""
    return records(answer) or records(record(answer).get(name))


def _number(ticket_id: str) -> int:
    found = ticket_number(ticket_id)
    if found is None:
        raise NotDone(Trouble.TICKET_GONE, "HaloPSA knows its tickets by number, and this is none")
    return found


def _among(known: Mapping[str, str], wanted: str, what: str) -> int:
    found = chosen(known, wanted)
    if found is None:
        raise NotDone(Trouble.WRONG_SETTING, f"HaloPSA has no {what} {wanted}; {there_are(known.values())}")
    return found


def _no_token(reply: Reply) -> NotDone:
    error = words(reply.data, "error")
    match reply.status:
        case 401:
            return reply.refused(Trouble.WRONG_KEY, "HaloPSA refused the client id or secret")
        case 400 if error == "invalid_scope":
            return reply.refused(Trouble.MISSING_PERMISSION, "the application may not have the scope it needs")
        case 400:
            return reply.refused(Trouble.WRONG_KEY, "HaloPSA gives this application no token")
        case 500 if reply.data is None:
            return reply.refused(Trouble.WRONG_COMPANY, "HaloPSA does not know the tenant")
        case 404:
            return reply.refused(Trouble.WRONG_COMPANY, "no HaloPSA gives out tokens at this address")
        case status if status >= 500:
            return reply.refused(Trouble.VENDOR_FAULT, "HaloPSA failed at signing in")
        case _:
            return reply.not_the_api(VENDOR.name)


def _refusal(reply: Reply) -> NotDone:
    """What an answer that is no success means, after a fresh token made no difference."""
    match reply.status:
        case 401:
            return reply.refused(Trouble.WRONG_KEY, "HaloPSA refused a fresh token")
        case 403:
            return reply.refused(Trouble.MISSING_PERMISSION, "the application, or the agent it logs in as, may not do this")
        case 404 | 410:
            return reply.refused(Trouble.TICKET_GONE, "HaloPSA has no such ticket")
        case 400 if "Outcome" in reply.said or "access to this Action" in reply.said:
            return reply.refused(Trouble.WRONG_SETTING, "HaloPSA does not take the outcome")
        case 409 | 423:
            return reply.refused(Trouble.TICKET_LOCKED, "somebody else is changing the ticket")
        case status if reply.is_page:
            return reply.not_the_api(VENDOR.name)
        case status if status >= 500:
            return reply.refused(Trouble.VENDOR_FAULT, "HaloPSA failed", unknown=reply.writes)
        case _:
            return reply.refused(Trouble.REFUSED, "HaloPSA refused this")


def _said(action: Mapping[str, object]) -> str:
    """What a note says; tags are left out, since the vendor may put some of its own into the text. One of ours is never longer."""
    return "\n".join(plain((words(action, key) or "")[: 3 * LONGEST_HTML]) for key in ("note_html", "note"))


def _note(action: Mapping[str, object]) -> TicketNote:
    marked_up, note = words(action, "note_html"), words(action, "note")
    return TicketNote(
        text=read(marked_up, plain) if marked_up else read(note or "", unescaped),
        by=words(action, "who"),
        at=when(action, "datetime"),
        internal=action.get("hiddenfromuser") is not False,
    )
