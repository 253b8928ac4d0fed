"""ConnectWise PSA."""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
from attrs import define, field

from flowpilot_core.domain.kernel.errors import NotVouchedFor
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.psa.vendor import NoteFormat, Setting, Vendor, Vouching, there_are
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.psa import Access, Choices, Knock, Member, NotDone, Note, Posted, PsaTicket, TicketNote, TimeEntry, Trouble

from .vendor_cache import Remembered
from .vendor_json import RECENT, chosen, hours, number, options, record, records, shortened, the_one, ticket_number, when, words
from .vendor_line import Call, Line, Query, Reply
from .webhook_verification import is_signature, ticket_in, told


def ticket_page(base_url: str, ticket_id: str) -> str:
    """Where people see a ticket, who sign in at `base_url`; the path is a router to the release that their site runs."""
    root = base_url.rstrip("/").replace("://api-", "://", 1)
    return f"{root}/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid={quote(ticket_id, safe='')}"


VENDOR = Vendor(
    system="connectwise",
    name="ConnectWise PSA",
    needs=("company_id", "public_key", "private_key", "client_id"),
    settings={"note": Setting(among=("internal", "discussion", "resolution"), means="the tab a note stands in; internal if left out")},
    to_client={"note": "discussion"},
    format=NoteFormat.MARKDOWN,
    vouching=Vouching.OWN_KEY,
    ticket_page=ticket_page,
)

FLAGS: Mapping[str, str] = MappingProxyType(
    {"internal": "internalAnalysisFlag", "discussion": "detailDescriptionFlag", "resolution": "resolutionFlag"}
)
CLOUD = frozenset(f"{region}.myconnectwise.net" for region in ("na", "eu", "au", "aus", "za")) | {"staging.connectwisedev.com"}
"""Hosts that people know, whose API answers under `api-` in front."""
ADDRESSES = ("officeEmail", "primaryEmail")
"""Where a member's addresses stand."""
OF_TICKETS = "ServiceTicket"
"""What work is charged to."""
MOST_BOARDS = 50
"""Boards whose statuses are read."""
USUAL_CODEBASE = "v4_6_release/"
VERSION = "application/vnd.connectwise.com+json; version=2025.1"
LONGEST_TEXT = 8_000
"""Characters of a note: the vendor names no limit, and more than this nobody reads on a ticket."""
PAGE = 250
MOST_PAGES = 20
HALF_A_DAY = 12 * 3600.0
AN_HOUR = 3600.0


@define
class ConnectWise:
    """Writes to ConnectWise PSA; keys are sent with every call and never expire, so a refused one is wrong."""

    client: httpx.AsyncClient
    clock: Clock
    deadline: float = 30.0
    vendor: Vendor = field(default=VENDOR, init=False)
    _line: Line = field(init=False)
    _codebases: Remembered[str] = field(factory=Remembered, init=False)
    _keys: Remembered[str] = field(factory=Remembered, init=False)

    @_line.default
    def _new_line(self) -> Line:
        return Line(vendor=VENDOR.name, client=self.client, clock=self.clock, at_once=2, deadline=self.deadline)

    async def check(self, access: Access) -> None:
        """As `Psa.check`: the company is asked for first, since its cloud answers alike to a wrong company and to wrong keys."""
        self._codebases.forget(access.key)
        company = await self._company(access)
        if company.status == 200 and company.data is None and not company.is_page:
            raise NotDone(Trouble.WRONG_COMPANY, "ConnectWise PSA knows no company of this id; capitals count in it")
        await self._read(access, "system/info")
        await self._read(access, "service/tickets", {"pageSize": 1, "fields": "id"})

    async def longest_note(self, access: Access) -> int:
        """The same for everybody."""
        return LONGEST_TEXT

    async def find_note(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Reads the notes, newest first: that a filter finds text in them is nowhere written."""
        path = f"{_path(ticket_id)}/notes"
        for page in range(1, MOST_PAGES + 1):
            notes = records(await self._read(access, path, {"orderBy": "id desc", "pageSize": PAGE, "page": page}))
            for note in notes:
                if marker in (words(note, "text") or ""):
                    return str(number(note, "id"))
            if len(notes) < PAGE:
                return None
        return None

    async def add_note(self, access: Access, ticket_id: str, note: Note) -> Posted:
        """One flag says where it stands; nobody is mailed of it."""
        shown = FLAGS[str(access.settings.get("note", "internal"))]
        body = {"text": note.text, **{flag: flag == shown for flag in FLAGS.values()}, "processNotifications": False}
        reply = await self._ask(access, "POST", f"{_path(ticket_id)}/notes", json=body)
        return reply.made(number(reply.data, "id"), VENDOR.name, _refusal)

    async def ticket(self, access: Access, ticket_id: str) -> PsaTicket:
        """The ticket and its newest notes, in two calls."""
        found = record(await self._read(access, _path(ticket_id)))
        notes = records(await self._read(access, f"{_path(ticket_id)}/notes", {"orderBy": "id desc", "pageSize": RECENT}))
        return PsaTicket(
            id=ticket_id,
            title=words(found, "summary") or "",
            status=words(found, "status"),
            closed=found.get("closedFlag") is True,
            closed_at=when(found, "closedDate"),
            client_name=words(found, "company"),
            contact_name=words(found, "contact", "contactName"),
            priority=words(found, "priority"),
            notes=tuple(_note(note) for note in notes[:RECENT]),
        )

    async def members(self, access: Access) -> Sequence[Member]:
        """Who is not inactive."""
        members: list[Member] = []
        for page in range(1, MOST_PAGES + 1):
            found = records(await self._read(access, "system/members", {"pageSize": PAGE, "page": page, "orderBy": "id"}))
            members.extend(_member(member) for member in found if member.get("inactiveFlag") is not True)
            if len(found) < PAGE:
                break
        return members

    async def told(self, access: Access, knock: Knock, secret: str) -> str | None:
        """Signed with a key of the vendor's, which is fetched where the webhook says: from the customer's own host and no other."""
        body = told(knock)
        key = await self._signing_key(access, words(body.get("Metadata"), "key_url") or "")
        expected = hmac.digest(sha256(key.encode()).digest(), knock.body, "sha256")
        if not is_signature(knock.headers.get("x-content-signature", ""), expected):
            raise NotVouchedFor
        return ticket_in(body, "ID") if (words(body, "Type") or "").casefold() == "ticket" else None

    async def _signing_key(self, access: Access, url: str) -> str:
        """Raises `NotVouchedFor` where there is no key at this address, or where it is none of the vendor's."""
        homes = {urlsplit(root)[:2] for root in (access.base_url, _api_root(access.base_url))}
        if _origin(url) not in homes:
            raise NotVouchedFor

        async def ask() -> str:
            reply = await self._line.call(access, Call(method="GET", url=url))
            key = words(reply.data, "signing_key") if reply.ok else None
            if key is None:
                raise NotVouchedFor
            return key

        return await self._keys.get((*access.key, url), ask, keep=lambda _: AN_HOUR)

    async def member_by_email(self, access: Access, email: str) -> Member | None:
        """Asks for who has it as one of their addresses; an address that would end the condition is nobody's."""
        if '"' in email or "\\" in email:
            return None
        asked = " or ".join(f'{name}="{email}"' for name in ADDRESSES)
        query: Query = {"conditions": f"inactiveFlag=false and ({asked})", "pageSize": PAGE}
        found = records(await self._read(access, "system/members", query))
        return the_one([_member(member, email) for member in found if member.get("inactiveFlag") is not True], email)

    async def choices(self, access: Access) -> Choices:
        """The statuses of every board, and the priorities."""
        boards = records(await self._read(access, "service/boards", {"pageSize": MOST_BOARDS, "fields": "id"}))
        statuses: dict[str, str] = {}
        for board in boards:
            statuses.update(options(await self._statuses(access, number(board, "id")), "name"))
        return Choices(statuses=statuses, priorities=await self._priorities(access))

    async def set_status(self, access: Access, ticket_id: str, status: str) -> None:
        """By its id, or its name on the ticket's own board."""
        ticket = record(await self._read(access, _path(ticket_id)))
        wanted = ticket_number(status)
        if wanted is None:
            known = options(await self._statuses(access, number(ticket.get("board"), "id")), "name")
            wanted = _among(known, status, "the ticket's board has no status")
        await self._replace(access, ticket_id, ticket, "status", wanted)

    async def set_priority(self, access: Access, ticket_id: str, priority: str) -> None:
        """By its id, or its name."""
        wanted = _among(await self._priorities(access), priority, "ConnectWise PSA has no priority")
        await self._replace(access, ticket_id, record(await self._read(access, _path(ticket_id))), "priority", wanted)

    async def set_owner(self, access: Access, ticket_id: str, member_id: str) -> None:
        """One of its members."""
        await self._replace(access, ticket_id, record(await self._read(access, _path(ticket_id))), "owner", int(member_id))

    async def find_time(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Reads the entries of the ticket, newest first."""
        conditions = f'chargeToType="{OF_TICKETS}" and chargeToId={_ticket(ticket_id)}'
        query: Query = {"conditions": conditions, "orderBy": "id desc", "pageSize": PAGE}
        for entry in records(await self._read(access, "time/entries", query)):
            if marker in (words(entry, "notes") or ""):
                return str(number(entry, "id"))
        return None

    async def add_time(self, access: Access, ticket_id: str, entry: TimeEntry) -> Posted:
        """Hours of a member's; its text stands in the internal analysis."""
        body = {
            "chargeToId": _ticket(ticket_id),
            "chargeToType": OF_TICKETS,
            "member": {"id": int(entry.member_id)},
            "timeStart": f"{entry.began:%Y-%m-%dT%H:%M:%SZ}",
            "actualHours": hours(entry.minutes),
            "notes": entry.text,
            "addToInternalAnalysisFlag": True,
            "addToDetailDescriptionFlag": False,
            "addToResolutionFlag": False,
            "emailResourceFlag": False,
            "emailContactFlag": False,
            "emailCcFlag": False,
        }
        reply = await self._ask(access, "POST", "time/entries", json=body)
        return reply.made(number(reply.data, "id"), VENDOR.name, _refusal)

    async def _replace(self, access: Access, ticket_id: str, ticket: Mapping[str, object], field: str, wanted: int) -> None:
        """Give a ticket another reference, if it has another one: whole, since a part of it is taken and then ignored."""
        if number(ticket.get(field), "id") == wanted:
            return
        reply = await self._ask(access, "PATCH", _path(ticket_id), json=[{"op": "replace", "path": field, "value": {"id": wanted}}])
        if reply.ok:
            return
        if reply.status == 400:
            raise reply.refused(Trouble.WRONG_SETTING, f"ConnectWise PSA takes no such {field} for this ticket")
        raise _refusal(reply)

    async def _statuses(self, access: Access, board: int | None) -> Sequence[Mapping[str, object]]:
        return records(await self._read(access, f"service/boards/{board}/statuses", {"pageSize": PAGE}))

    async def _priorities(self, access: Access) -> Mapping[str, str]:
        return options(records(await self._read(access, "service/priorities", {"pageSize": PAGE})), "name")

    async def _read(self, access: Access, path: str, query: Query = MappingProxyType({})) -> object:
        return (await self._ask(access, "GET", path, query=query)).required(VENDOR.name, _refusal)

    async def _ask(self, access: Access, method: str, path: str, *, query: Query = MappingProxyType({}), json: object = None) -> Reply:
        """The answer; where the path was not found and the vendor has moved the company meanwhile, that of the new place."""
        codebase = await self._codebase(access)
        reply = await self._send(access, codebase, method, path, query, json)
        if reply.status == 404 or _cannot_route(reply):
            self._codebases.forget(access.key, codebase)
            moved = await self._codebase(access)
            if moved != codebase:
                return await self._send(access, moved, method, path, query, json)
        return reply

    async def _send(self, access: Access, codebase: str, method: str, path: str, query: Query, json: object) -> Reply:
        keys = access.credentials
        login = f"{keys['company_id']}+{keys['public_key']}:{keys['private_key']}"
        call = Call(
            method=method,
            url=f"{_api_root(access.base_url)}/{codebase}apis/3.0/{path}",
            headers={
                "Authorization": f"Basic {b64encode(login.encode()).decode()}",
                "clientId": keys["client_id"],
                "Accept": VERSION,
            },
            query=query,
            json=json,
            writes=method != "GET",
        )
        return await self._line.call(access, call)

    async def _codebase(self, access: Access) -> str:
        async def ask() -> str:
            reply = await self._company(access)
            found = words(reply.data, "Codebase")
            return USUAL_CODEBASE if found is None else found.strip("/") + "/"

        return await self._codebases.get(access.key, ask, keep=lambda _: HALF_A_DAY)

    async def _company(self, access: Access) -> Reply:
        company = quote(access.credentials["company_id"], safe="")
        return await self._line.call(access, Call(method="GET", url=f"{access.base_url.rstrip('/')}/login/companyinfo/{company}"))


def _api_root(base_url: str) -> str:
    """Where the API of a customer answers who signs in at `base_url`."""
    parts = urlsplit(base_url.rstrip("/"))
    host = f"api-{parts.netloc}" if parts.netloc.lower() in CLOUD else parts.netloc
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _origin(url: str) -> tuple[str, str] | None:
    try:
        return urlsplit(url)[:2]
    except ValueError:
        return None


def _ticket(ticket_id: str) -> int:
    found = ticket_number(ticket_id)
    if found is None:
        raise NotDone(Trouble.TICKET_GONE, "ConnectWise PSA knows its tickets by number, and this is none")
    return found


def _path(ticket_id: str) -> str:
    return f"service/tickets/{_ticket(ticket_id)}"


def _among(known: Mapping[str, str], wanted: str, problem: str) -> int:
    found = chosen(known, wanted)
    if found is None:
        raise NotDone(Trouble.WRONG_SETTING, f"{problem} {wanted}; {there_are(known.values())}")
    return found


def _cannot_route(reply: Reply) -> bool:
    return reply.status == 400 and reply.data is None and "Cannot route" in reply.said


def _refusal(reply: Reply) -> NotDone:
    """What an answer that is no success means."""
    code = words(reply.data, "code")
    match reply.status:
        case 401:
            return reply.refused(Trouble.WRONG_KEY, "ConnectWise PSA refused the keys")
        case 403:
            return reply.refused(Trouble.MISSING_PERMISSION, "the API member's security role does not allow this")
        case 404 if code == "NotFound":
            return reply.refused(
                Trouble.TICKET_GONE, "ConnectWise PSA has no such ticket at the service desk; those of projects are not there"
            )
        case 404:
            return reply.refused(Trouble.WRONG_KEY, "ConnectWise PSA does not know the company by these keys")
        case 409:
            return reply.refused(Trouble.TICKET_LOCKED, "somebody else is changing the ticket")
        case 410:
            return reply.refused(Trouble.TICKET_GONE, "the ticket is gone")
        case 400 if _cannot_route(reply):
            return reply.refused(Trouble.WRONG_COMPANY, "ConnectWise PSA does not know the company")
        case 400 if "clientid" in reply.said.lower():
            return reply.refused(Trouble.WRONG_KEY, "ConnectWise PSA refused the client id")
        case status if status >= 500 and reply.is_page:
            return reply.not_the_api(VENDOR.name)
        case status if status >= 500 and "Error converting value" in reply.said:
            return reply.refused(Trouble.REFUSED, "ConnectWise PSA refused this", unknown=reply.writes)
        case status if status >= 500:
            return reply.refused(Trouble.VENDOR_FAULT, "ConnectWise PSA failed", unknown=reply.writes)
        case _ if reply.is_page:
            return reply.not_the_api(VENDOR.name)
        case _:
            return reply.refused(Trouble.REFUSED, "ConnectWise PSA refused this")


def _note(note: Mapping[str, object]) -> TicketNote:
    return TicketNote(
        text=shortened(words(note, "text") or ""),
        by=words(note, "member", "contact", "createdBy"),
        at=when(note, "dateCreated"),
        internal=note.get("detailDescriptionFlag") is not True,
    )


def _member(member: Mapping[str, object], wanted: str = "") -> Member:
    """With the address that is wanted, where it is one of theirs."""
    full = " ".join(name for name in (words(member, "firstName"), words(member, "lastName")) if name)
    own = [address for address in (words(member, name) for name in ADDRESSES) if address]
    email = next((address for address in own if folded_email(address) == folded_email(wanted)), own[0] if own else None)
    return Member(id=str(number(member, "id")), name=full or words(member, "identifier") or "", email=email)
