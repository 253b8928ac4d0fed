"""Autotask PSA."""

import hmac
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlencode, urlsplit

import httpx
from attrs import define, field

from flowpilot_core.domain.kernel.errors import NotVouchedFor
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.web_address import in_ascii
from flowpilot_core.domain.psa.vendor import Kind, NoteFormat, Setting, Vendor, there_are
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.psa import Access, Choices, Knock, Member, NotDone, Note, Posted, PsaTicket, TicketNote, TimeEntry, Trouble

from .vendor_cache import Remembered
from .vendor_json import RECENT, hours, number, record, records, shortened, the_one, ticket_number, when, words
from .vendor_line import Call, Line, Query, Reply
from .webhook_verification import is_signature, ticket_in, told

ZONE = re.compile(r"(?:webservices|ww)(\d{1,3})\.autotask\.net")
"""A zone's host, of its API or for people."""


def ticket_page(base_url: str, ticket_id: str) -> str | None:
    """Where people see a ticket; None for the address that all zones share, since only the vendor knows which one a tenant is in."""
    zone = ZONE.fullmatch(urlsplit(base_url).hostname or "")
    if zone is None:
        return None
    named = "TicketID" if ticket_id.isdecimal() else "TicketNumber"
    command = urlencode({"Code": "OpenTicketDetail", named: ticket_id})
    return f"https://ww{zone[1]}.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?{command}"


VENDOR = Vendor(
    system="autotask",
    name="Autotask PSA",
    needs=("username", "secret", "integration_code"),
    settings={
        "note_type": Setting(kind=Kind.NUMBER_OR_TEXT, means="the type of a note, by number or name; looked up if left out"),
        "publish": Setting(kind=Kind.NUMBER_OR_TEXT, means="who sees a note, by number or name; the tenant's internal users if left out"),
    },
    to_client={"publish": "All Autotask Users"},
    format=NoteFormat.PLAIN,
    ticket_page=ticket_page,
)

LONGEST_TITLE = 250
SHORTEST_LIMIT = 3_000
"""Characters of a note where the tenant does not say: the sources give 3,200 and 32,000."""
HALF_A_DAY = 12 * 3600.0
AN_HOUR = 3600.0
MOST_RECORDS = 500
MOST_PAGES = 20

TYPES = ("notes", "ticket notes", "task notes", "detail", "summary")
"""Names of note types that say nothing more, best first."""
WORKFLOW = 13
"""The type of the notes that the vendor's own rules write."""

TOO_MANY = ("thread threshold", "itgenatr005", "request threshold", "requests per hour", "over the request")
LOCKED = ("locked", "deadlock")
PASSING = ("timeout", "timed out", "try again")
KEYS = ("integrationcode", "apiintegrationcode", "zone information could not be determined")
RIGHTS = ("adequate permissions", "not have permission", "does not have access")
SETTINGS = ("picklist", "value does not exist for the required field")

Fields = Mapping[str, Mapping[str, object]]
"""What the tenant says of the fields of an entity, by name."""


@define
class Autotask:
    """Writes to Autotask PSA. Its 500 is the usual answer to what it will not take, so that its words decide what a refusal means."""

    client: httpx.AsyncClient
    clock: Clock
    deadline: float = 30.0
    vendor: Vendor = field(default=VENDOR, init=False)
    _line: Line = field(init=False)
    _zones: Remembered[str] = field(factory=Remembered, init=False)
    _fields: Remembered[Fields] = field(factory=Remembered, init=False)

    @_line.default
    def _new_line(self) -> Line:
        return Line(vendor=VENDOR.name, client=self.client, clock=self.clock, at_once=2, deadline=self.deadline)

    async def check(self, access: Access) -> None:
        """As `Psa.check`: finds the zone, signs in, and looks the choices of a note up."""
        self._zones.forget(access.key)
        self._fields.forget((*access.key, "TicketNotes"))
        await self._read(access, "Version")
        await self._query(access, "Tickets", [{"op": "gte", "field": "id", "value": 0}], most=1)
        await self._looked_up(access)

    async def longest_note(self, access: Access) -> int:
        """What the tenant says of the field."""
        length = number((await self._about(access, "TicketNotes")).get("description", {}), "length")
        return length if length else SHORTEST_LIMIT

    async def find_note(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Asks for the ticket's notes that contain the marker, and checks that they do."""
        return await self._marked(access, ticket_id, "TicketNotes", "description", marker)

    async def _marked(self, access: Access, ticket_id: str, entity: str, field: str, marker: str) -> str | None:
        ticket = await self._existing(access, ticket_id)
        conditions: list[Plain] = [
            {"op": "eq", "field": "ticketID", "value": ticket},
            {"op": "contains", "field": field, "value": marker},
        ]
        for found in await self._query(access, entity, conditions, most=MOST_RECORDS):
            if number(found, "ticketID") == ticket and marker in (words(found, field) or ""):
                return str(number(found, "id"))
        return None

    async def add_note(self, access: Access, ticket_id: str, note: Note) -> Posted:
        """A note with a title, which some categories require."""
        ticket = await self._existing(access, ticket_id)
        body = {
            "ticketID": ticket,
            "title": note.title[:LONGEST_TITLE],
            "description": note.text,
            **(await self._choices(access)),
        }
        reply = await self._ask(access, "POST", f"Tickets/{ticket}/Notes", json=body, lane="TicketNotes")
        return reply.made(number(reply.data, "itemId"), VENDOR.name, _refusal)

    async def ticket(self, access: Access, ticket_id: str) -> PsaTicket:
        """The ticket with its newest notes; what it names by number is looked up."""
        ticket = await self._existing(access, ticket_id)
        found = record(record(await self._read(access, f"Tickets/{ticket}")).get("item"))
        about = await self._about(access, "Tickets")
        notes = await self._query(access, "TicketNotes", [{"op": "eq", "field": "ticketID", "value": ticket}], most=MOST_RECORDS)
        status = _label(about, "status", found)
        return PsaTicket(
            id=ticket_id,
            title=words(found, "title") or "",
            status=status,
            closed=number(found, "status") == COMPLETE,
            closed_at=when(found, "completedDate"),
            client_name=await self._name(access, "Companies", number(found, "companyID"), "companyName"),
            contact_name=await self._name(access, "Contacts", number(found, "contactID"), "firstName", "lastName"),
            priority=_label(about, "priority", found),
            notes=tuple(_note(note) for note in sorted(notes, key=lambda note: number(note, "id") or 0, reverse=True)[:RECENT]),
        )

    async def members(self, access: Access) -> Sequence[Member]:
        """Its active resources."""
        found = await self._query(access, "Resources", [{"op": "eq", "field": "isActive", "value": True}], most=MOST_RECORDS)
        return [_member(member) for member in found]

    async def told(self, access: Access, knock: Knock, secret: str) -> str | None:
        """Signed with the secret by HMAC and SHA-1: the vendor knows no other way."""
        algorithm, _, given = knock.headers.get("x-hook-signature", "").partition("=")
        if algorithm.lower() != "sha1" or not is_signature(given, hmac.digest(secret.encode(), knock.body, "sha1")):
            raise NotVouchedFor
        body = told(knock)
        return ticket_in(body, "Id") if words(body, "EntityType") == "Ticket" else None

    async def member_by_email(self, access: Access, email: str) -> Member | None:
        """Asks for the active resources with this address."""
        conditions: list[Plain] = [{"op": "eq", "field": "email", "value": email}, {"op": "eq", "field": "isActive", "value": True}]
        return the_one([_member(found) for found in await self._query(access, "Resources", conditions, most=MOST_RECORDS)], email)

    async def choices(self, access: Access) -> Choices:
        """The tenant's picklists of tickets."""
        about = await self._about(access, "Tickets")
        return Choices(statuses=_named(about.get("status", {})), priorities=_named(about.get("priority", {})))

    async def set_status(self, access: Access, ticket_id: str, status: str) -> None:
        """By its number, or its name among the tenant's."""
        await self._pick(access, ticket_id, "status", status)

    async def set_priority(self, access: Access, ticket_id: str, priority: str) -> None:
        """By its number, or its name among the tenant's."""
        await self._pick(access, ticket_id, "priority", priority)

    async def set_owner(self, access: Access, ticket_id: str, member_id: str) -> None:
        """A resource, in the role it has at the service desk: the vendor takes neither without the other."""
        role = await self._role(access, int(member_id))
        await self._set(access, ticket_id, {"assignedResourceID": int(member_id), "assignedResourceRoleID": role})

    async def find_time(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Asks for the ticket's entries that contain the marker, and checks that they do."""
        return await self._marked(access, ticket_id, "TimeEntries", "internalNotes", marker)

    async def add_time(self, access: Access, ticket_id: str, entry: TimeEntry) -> Posted:
        """Hours of a resource's, in the role it has at the service desk; its text stands in the internal notes."""
        ticket = await self._existing(access, ticket_id)
        body = {
            "ticketID": ticket,
            "resourceID": int(entry.member_id),
            "roleID": await self._role(access, int(entry.member_id)),
            "dateWorked": f"{entry.began:%Y-%m-%dT%H:%M:%SZ}",
            "hoursWorked": hours(entry.minutes),
            "summaryNotes": "FlowPilot",
            "internalNotes": entry.text,
        }
        reply = await self._ask(access, "POST", "TimeEntries", json=body, lane="TimeEntries")
        return reply.made(number(reply.data, "itemId"), VENDOR.name, _refusal)

    async def _pick(self, access: Access, ticket_id: str, field: str, wanted: str) -> None:
        choices = (await self._about(access, "Tickets")).get(field, {})
        await self._set(access, ticket_id, {field: _picked(choices, ticket_number(wanted) or wanted, field)})

    async def _set(self, access: Access, ticket_id: str, wanted: Mapping[str, int]) -> None:
        """Change a ticket where it is different; read back, since the tenant's own rules may undo it."""
        ticket = await self._existing(access, ticket_id)
        for tries in range(3):
            found = record(record(await self._read(access, f"Tickets/{ticket}")).get("item"))
            if all(number(found, name) == value for name, value in wanted.items()):
                return
            if tries == 2:
                break
            reply = await self._ask(access, "PATCH", "Tickets", json={"id": ticket, **wanted}, lane="Tickets")
            if not reply.ok:
                raise _refusal(reply)
        raise NotDone(Trouble.REFUSED, "a rule of the tenant changed the ticket back again")

    async def _role(self, access: Access, resource: int) -> int:
        """The role of a resource at the service desk."""
        found = record(record(await self._read(access, f"Resources/{resource}")).get("item"))
        role = number(found, "defaultServiceDeskRoleID")
        if role is None:
            raise NotDone(Trouble.WRONG_SETTING, "that resource has no role at the service desk in Autotask PSA")
        return role

    async def _existing(self, access: Access, ticket_id: str) -> int:
        """The number of a ticket that there is: reading one that is not there is no error here, only empty."""
        found = ticket_number(ticket_id)
        if found is None:
            raise NotDone(Trouble.TICKET_GONE, "Autotask PSA knows its tickets by number, and this is none")
        if number(record(await self._read(access, f"Tickets/{found}")).get("item"), "id") != found:
            raise NotDone(Trouble.TICKET_GONE, "Autotask PSA has no such ticket")
        return found

    async def _choices(self, access: Access) -> Mapping[str, int]:
        """The type of a note and who sees it: the numbers mean something else in every tenant, so that they are never guessed."""
        kind, readers = access.settings.get("note_type"), access.settings.get("publish")
        if isinstance(kind, int) and isinstance(readers, int):
            return {"noteType": kind, "publish": readers}
        return await self._looked_up(access)

    async def _looked_up(self, access: Access) -> Mapping[str, int]:
        """The same, of what there is at the tenant's. Raises `NotDone` for what is not."""
        about = await self._about(access, "TicketNotes")
        kinds, everybody = about.get("noteType", {}), about.get("publish", {})
        kind, readers = access.settings.get("note_type"), access.settings.get("publish")
        return {
            "noteType": _usual_type(kinds) if kind is None else _picked(kinds, kind, "note_type"),
            "publish": _internal(everybody) if readers is None else _picked(everybody, readers, "publish"),
        }

    async def _about(self, access: Access, entity: str) -> Fields:
        async def ask() -> Fields:
            reply = await self._ask(access, "GET", f"{entity}/entityInformation/fields", lane=entity)
            if not reply.ok and reply.status != 404:
                raise _refusal(reply)
            return {words(about, "name") or "": about for about in records(record(reply.data).get("fields"))}

        return await self._fields.get((*access.key, entity), ask, keep=lambda _: AN_HOUR)

    async def _name(self, access: Access, entity: str, found: int | None, *keys: str) -> str | None:
        """What a record is called; none where it may not be read, since a ticket is worth reading without."""
        if found is None:
            return None
        reply = await self._ask(access, "GET", f"{entity}/{found}", lane=entity)
        return _full_name(record(record(reply.data).get("item")), *keys) if reply.ok else None

    async def _query(self, access: Access, entity: str, conditions: list[Plain], *, most: int) -> Sequence[Mapping[str, object]]:
        body = {"filter": [{"op": "and", "items": conditions}], "MaxRecords": most}
        path = f"{entity}/query"
        found: list[Mapping[str, object]] = []
        for _ in range(MOST_PAGES):
            reply = await self._ask(access, "POST", path, json=body, lane=entity, writes=False)
            if not reply.ok:
                raise _refusal(reply)
            if not isinstance(reply.data, Mapping):
                raise reply.not_the_api(VENDOR.name)
            found.extend(records(reply.data.get("items")))
            further = words(reply.data.get("pageDetails"), "nextPageUrl")
            zone = await self._zone(access)
            if most == 1 or further is None or not further.startswith(zone):
                break
            path = further.removeprefix(zone)
        return found

    async def _read(self, access: Access, path: str) -> object:
        return (await self._ask(access, "GET", path, lane=path.partition("/")[0])).required(VENDOR.name, _refusal)

    async def _ask(self, access: Access, method: str, path: str, *, json: object = None, lane: str, writes: bool | None = None) -> Reply:
        """The answer; where the sign-in was refused and the vendor has moved the tenant meanwhile, that of the new zone."""
        changes = method != "GET" if writes is None else writes
        zone = await self._zone(access)
        reply = await self._send(access, zone, method, path, json, lane, changes)
        if reply.status == 401:
            self._zones.forget(access.key, zone)
            moved = await self._zone(access)
            if moved != zone:
                return await self._send(access, moved, method, path, json, lane, changes)
        return reply

    async def _send(self, access: Access, zone: str, method: str, path: str, json: object, lane: str, writes: bool) -> Reply:
        keys = access.credentials
        headers = {
            "ApiIntegrationCode": keys["integration_code"],
            "UserName": keys["username"],
            "Secret": keys["secret"],
            "Content-Type": "application/json",
        }
        reply = await self._line.call(
            access, Call(method=method, url=f"{zone}{path}", headers=headers, json=json, writes=writes, lane=lane)
        )
        if not reply.ok and any(sign in reply.said.lower() for sign in TOO_MANY):
            raise NotDone(Trouble.TOO_MANY_CALLS, f"Autotask PSA takes no more calls for now ({reply.said})")
        return reply

    async def _zone(self, access: Access) -> str:
        """Where the tenant's API is, with `v1.0/` at its end."""
        return await self._zones.get(access.key, lambda: self._ask_zone(access), keep=lambda _: HALF_A_DAY)

    async def _ask_zone(self, access: Access) -> str:
        query: Query = MappingProxyType({"user": access.credentials["username"]})
        url = f"{access.base_url.rstrip('/')}/atservicesrest/v1.0/zoneInformation"
        reply = await self._line.call(access, Call(method="GET", url=url, query=query, lane="zoneInformation"))
        told = words(reply.data, "url")
        if not reply.ok:
            raise reply.refused(Trouble.WRONG_KEY, "Autotask PSA knows no API user of this name") if _words(reply) else _refusal(reply)
        try:
            zone = in_ascii(told or "")
        except ValueError:
            raise reply.not_the_api(VENDOR.name) from None
        # Nobody who is spoken to over TLS sends us elsewhere without.
        if urlsplit(zone).scheme not in {"https", urlsplit(access.base_url).scheme}:
            raise reply.not_the_api(VENDOR.name)
        return f"{zone.rstrip('/')}/v1.0/"


COMPLETE = 5
"""The status of a ticket that is done, in every tenant."""


def _words(reply: Reply) -> str:
    """The errors of an answer, as one text; empty where it has none."""
    errors = record(reply.data).get("errors")
    if not isinstance(errors, list):
        return ""
    return " ".join(error if isinstance(error, str) else words(error, "message") or "" for error in errors)


def _refusal(reply: Reply) -> NotDone:
    """What an answer that is no success means: by its words where it has any, since its status says little."""
    said = _words(reply).lower()

    def says(signs: tuple[str, ...]) -> bool:
        return any(sign in said for sign in signs)

    match reply.status:
        case 401:
            return reply.refused(Trouble.WRONG_KEY, "Autotask PSA refused the user, its secret or the integration code")
        case 403:
            return reply.refused(Trouble.MISSING_PERMISSION, "the API user may not do this")
        case 404 | 410:
            return reply.refused(Trouble.TICKET_GONE, "Autotask PSA has no such ticket")
        case 409 | 423:
            return reply.refused(Trouble.TICKET_LOCKED, "somebody else is changing the ticket")
        case _ if not said:
            if reply.is_page or reply.status < 500:
                return reply.not_the_api(VENDOR.name)
            return reply.refused(Trouble.VENDOR_FAULT, "Autotask PSA failed", unknown=reply.writes)
        case _ if says(LOCKED):
            return reply.refused(Trouble.TICKET_LOCKED, "somebody else is changing the ticket")
        case _ if says(PASSING):
            return reply.refused(Trouble.VENDOR_FAULT, "Autotask PSA failed", unknown=reply.writes)
        case _ if says(KEYS):
            return reply.refused(Trouble.WRONG_KEY, "Autotask PSA refused the user or the integration code")
        case _ if says(RIGHTS):
            return reply.refused(Trouble.MISSING_PERMISSION, "the API user's security level does not allow this")
        case _ if says(SETTINGS):
            return reply.refused(Trouble.WRONG_SETTING, "Autotask PSA does not take the type of a note, or who sees it")
        case _:
            # It may still have written what it complains of: nothing is lost by looking once.
            return reply.refused(Trouble.REFUSED, "Autotask PSA refused this", unknown=reply.writes)


def _named(about: Mapping[str, object]) -> Mapping[str, str]:
    """The choices of a field that are in use: names by their numbers."""
    rows = [option for option in records(about.get("picklistValues")) if option.get("isActive") is not False]
    return {str(number(option, "value")): words(option, "label") or "" for option in rows}


def _options(about: Mapping[str, object]) -> Mapping[str, int]:
    """The choices of a field that are in use, by name in small letters."""
    return {
        (words(option, "label") or "").casefold(): value
        for option in records(about.get("picklistValues"))
        if option.get("isActive") is not False and (value := number(option, "value")) is not None
    }


def _picked(about: Mapping[str, object], wanted: Plain, what: str) -> int:
    """The number of a choice that somebody named. Raises `NotDone` where the tenant has no such choice."""
    options = _options(about)
    if isinstance(wanted, int) and (not options or wanted in options.values()):
        return wanted
    found = options.get(str(wanted).casefold())
    if found is None:
        raise NotDone(Trouble.WRONG_SETTING, f"this Autotask PSA has no {what} {wanted}; {there_are(_named(about).values())}")
    return found


def _usual_type(about: Mapping[str, object]) -> int:
    options = {name: value for name, value in _options(about).items() if value != WORKFLOW and "workflow" not in name}
    for name in (*TYPES, *options):
        if name in options:
            return options[name]
    raise NotDone(Trouble.WRONG_SETTING, "this Autotask PSA names no type for a note: set note_type")


def _internal(about: Mapping[str, object]) -> int:
    """Internal users and nobody else; where no choice says that it is so, none is taken."""
    options = _options(about)
    for name in sorted(options, key=len):
        if name.startswith("internal") and "co-managed" not in name and "&" not in name:
            return options[name]
    raise NotDone(Trouble.WRONG_SETTING, "this Autotask PSA has no choice that is internal alone: set publish")


def _label(about: Fields, name: str, found: Mapping[str, object]) -> str | None:
    for option in records(about.get(name, {}).get("picklistValues")):
        if number(option, "value") == number(found, name):
            return words(option, "label")
    return None


def _full_name(found: Mapping[str, object], *keys: str) -> str | None:
    return " ".join(name for name in (words(found, key) for key in keys) if name) or None


def _member(found: Mapping[str, object]) -> Member:
    return Member(id=str(number(found, "id")), name=_full_name(found, "firstName", "lastName") or "", email=words(found, "email"))


def _note(note: Mapping[str, object]) -> TicketNote:
    text = "\n".join(part for part in (words(note, "title"), words(note, "description")) if part)
    return TicketNote(text=shortened(text), at=when(note, "createDateTime"))
