"""Autotask PSA, simulated."""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from flowpilot_core.ports.psa import Knock

from .server import Asked, Note, Said, Simulator, Ticket, Work

ZONE = "/ATServicesRest/"
NOTE_FIELDS = {"ticketID", "title", "description", "noteType", "publish"}
TYPES = {"1": "Task Summary", "3": "Task Notes", "13": "Workflow Rule Note"}
PUBLISH = {"1": "All Autotask Users", "2": "Internal Users", "4": "Internal & Co-managed"}
STATUSES = {"1": "New", "5": "Complete", "8": "In Progress"}
PRIORITIES = {"1": "Priority 1", "2": "Priority 2"}
TICKET_FIELDS = {"id", "status", "priority", "assignedResourceID", "assignedResourceRoleID"}
TIME_FIELDS = {
    "ticketID",
    "resourceID",
    "roleID",
    "dateWorked",
    "startDateTime",
    "endDateTime",
    "hoursWorked",
    "summaryNotes",
    "internalNotes",
}
ROLE = 29_682_834
LONGEST_TITLE, LONGEST_DESCRIPTION = 250, 3_200
THREADS = Said(429, {"errors": ["The Autotask API thread threshold of 3 threads has been exceeded."]})
TIMED_OUT = Said(500, {"errors": ["Execution Timeout Expired. The timeout period elapsed prior to completion."]})
RIGHTS = "The logged in Resource does not have the adequate permissions to {} this entity type."


class AutotaskSimulator(Simulator):
    system = "autotask"
    first_status = 1
    closed_status = 5
    posting = ("POST", "/Notes")
    entering = ("POST", "/TimeEntries")

    def __init__(self) -> None:
        super().__init__()
        self.zone = ZONE
        self.zone_url: str | None = None
        self.statuses = dict.fromkeys(self.tickets, self.first_status)
        self.publish: Mapping[str, str] = PUBLISH
        self.types: Mapping[str, str] = TYPES
        self.most_threads = 3
        self.new_refusals = False
        """Whether a wrong integration code is answered as a wrong secret is."""

    @property
    def credentials(self) -> Mapping[str, str]:
        return {"username": "api@acme.example", "secret": "canary-secret-4tgh", "integration_code": "CANARYCODE55"}

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        return {**self.credentials, "secret": "canary-wrong-0000"}

    def knock(self, ticket: int, secret: str, *, of: str | None = None) -> Knock:
        told = {"Action": "Update", "Guid": "b1c2", "EntityType": of or "Ticket", "Id": ticket, "Fields": {"Status": "5"}}
        body = json.dumps(told).encode()
        signature = b64encode(hmac.digest(secret.encode(), body, "sha1")).decode()
        return Knock(headers={"x-hook-signature": f"sha1={signature}"}, body=body)

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/atservicesrest/v1.0/zoneInformation":
            if asked.query.get("user") != self.credentials["username"]:
                return _error("Zone information could not be determined")
            return Said(200, {"zoneName": "Simulated", "url": self.zone_url or f"{self.url}{self.zone}", "webUrl": self.url, "ci": 1})
        if not asked.path.startswith(f"{self.zone}v1.0/"):
            return Said(401, b"")
        if asked.headers.get("username") != self.credentials["username"] or asked.headers.get("secret") != self.credentials["secret"]:
            return Said(401, b"")
        if asked.headers.get("apiintegrationcode") != self.credentials["integration_code"]:
            return Said(401, b"") if self.new_refusals else _error("IntegrationCode is invalid.")
        if self.calls_left == 0:
            return Said(429, {"errors": ["The request threshold of 10000 requests per hour has been exceeded."]})
        self.calls_left -= 1
        if self.at_once() > self.most_threads:
            return THREADS
        return self._routed(asked, asked.path.removeprefix(f"{self.zone}v1.0/"))

    def _routed(self, asked: Asked, path: str) -> Said:
        reads = asked.method == "GET" or path.endswith("query")
        if "impersonationresourceid" in asked.headers and reads:
            return _error(RIGHTS.format("query"))
        if not self.may(asked):
            return _error(RIGHTS.format("query" if reads else "create"))
        match asked.method, path.split("/"):
            case "GET", ["Version"]:
                return Said(200, {"apiVersions": ["1.0"]})
            case "GET", [entity, "entityInformation", "fields"] if entity in ("TicketNotes", "Tickets"):
                return Said(200, {"fields": self._fields(entity)})
            case "POST", [entity, "query"]:
                return self._queried(entity, asked.json)
            case "GET", ["Tickets", id]:
                ticket = self.tickets.get(int(id))
                return Said(200, {"item": self._shown(ticket) if ticket else None})
            case "GET", ["Companies", _]:
                return Said(200, {"item": {"id": 5, "companyName": "Northwind"}})
            case "GET", ["Contacts", _]:
                return Said(200, {"item": {"id": 9, "firstName": "Nora", "lastName": "North"}})
            case "POST", ["Tickets", id, "Notes"]:
                return self._added(int(id), asked.json)
            case "GET", ["Resources", id]:
                return Said(200, {"item": next((person for person in PEOPLE if person["id"] == int(id)), None)})
            case "POST", ["TimeEntries"]:
                return self._entered(asked.json)
            case "PATCH", ["Tickets"]:
                return self._changed(asked.json)
            case "DELETE", _:
                return Said(405, b"")
            case _:
                return Said(404, b"")

    def _fields(self, entity: str) -> Sequence[Mapping[str, object]]:
        if entity == "Tickets":
            return [_picklist("status", STATUSES), _picklist("priority", PRIORITIES)]
        lengths = [{"name": "title", "length": LONGEST_TITLE}, {"name": "description", "length": LONGEST_DESCRIPTION}]
        return [*lengths, _picklist("noteType", self.types), _picklist("publish", self.publish)]

    def _shown(self, ticket: Ticket) -> dict[str, object]:
        return {
            "id": ticket.id, "ticketNumber": "T20261102.0001", "title": ticket.title, "status": self.statuses[ticket.id],
            "priority": ticket.priority, "companyID": 5, "contactID": 9, "assignedResourceID": ticket.owner,
            "assignedResourceRoleID": ticket.owner and ROLE,
        }  # fmt: skip

    def _queried(self, entity: str, body: Any) -> Said:
        if not isinstance(body, dict) or not body.get("filter"):
            return _error("A filter is required.")
        rows: list[dict[str, Any]]
        match entity:
            case "TicketNotes":
                rows = [dict(note.raw) for ticket in self.tickets.values() for note in ticket.notes]
            case "Tickets":
                rows = [self._shown(ticket) for ticket in self.tickets.values()]
            case "Resources":
                rows = list(PEOPLE)
            case "TimeEntries":
                rows = [dict(work.raw) for ticket in self.tickets.values() for work in ticket.work]
            case _:
                return Said(404, b"")
        found = [row for row in rows if all(_fits(row, condition) for condition in body["filter"])]
        return Said(200, {"items": found[: body.get("MaxRecords", 500)], "pageDetails": {"count": len(found), "nextPageUrl": None}})

    def _added(self, id: int, body: Any) -> Said:
        ticket = self.tickets.get(id)
        if ticket is None:
            return _error("Ticket does not exist or is invalid.")
        if not isinstance(body, dict) or set(body) - NOTE_FIELDS:
            return _error("unknown field")
        if ticket.locked:
            return _error("The ticket is locked by another user.")
        for name, options in (("noteType", self.types), ("publish", self.publish)):
            if name not in body:
                return _error(f"Value does not exist for the required field {name}")
            if str(body[name]) not in options:
                return _error(f"Picklist value [{body[name]}] does not exist for {name}")
        if len(body["title"]) > LONGEST_TITLE or len(body["description"]) > LONGEST_DESCRIPTION:
            return _error("The value is over the maximum length of the field.")
        number = 1 + max((note.id for each in self.tickets.values() for note in each.notes), default=30_777_657)
        raw = {**body, "id": number, "ticketID": id, "createDateTime": "2026-11-02T09:00:00Z"}
        public = self.publish[str(body["publish"])].startswith("All")
        ticket.notes.append(Note(number, body["description"], body["title"], public, raw))
        return Said(200, {"itemId": number})

    def _changed(self, body: Any) -> Said:
        if body["id"] not in self.tickets:
            return _error("Ticket does not exist or is invalid.")
        if set(body) - TICKET_FIELDS:
            return _error("unknown field")
        ticket = self.tickets[body["id"]]
        if ticket.locked:
            return _error("The ticket is locked by another user.")
        for field, known in (("status", STATUSES), ("priority", PRIORITIES), ("assignedResourceID", {"1": "", "2": ""})):
            if field in body and str(body[field]) not in known:
                return _error(f"Picklist value [{body[field]}] does not exist for {field}")
        if ("assignedResourceID" in body) is not ("assignedResourceRoleID" in body):
            return _error("Value does not exist for the required field assignedResourceRoleID")
        ticket.changes += 1
        self.statuses[ticket.id] = body.get("status", self.statuses[ticket.id])
        ticket.priority = body.get("priority", ticket.priority)
        ticket.owner = body.get("assignedResourceID", ticket.owner)
        ticket.closed = STATUSES[str(self.statuses[ticket.id])] == "Complete"
        return Said(200, {"itemId": body["id"]})

    def _entered(self, body: Any) -> Said:
        ticket = self.tickets.get(body.get("ticketID", 0))
        if ticket is None:
            return _error("Ticket does not exist or is invalid.")
        if set(body) - TIME_FIELDS:
            return _error("unknown field")
        for name in ("resourceID", "roleID", "dateWorked", "summaryNotes"):
            if not body.get(name):
                return _error(f"Value does not exist for the required field {name}")
        if body["roleID"] != ROLE:
            return _error(f"Picklist value [{body['roleID']}] does not exist for roleID")
        number = 1 + max((work.id for each in self.tickets.values() for work in each.work), default=7_000)
        raw = {**body, "id": number}
        ticket.work.append(Work(number, body["resourceID"], round(body["hoursWorked"] * 60), body["internalNotes"], raw))
        return Said(200, {"itemId": number})


def _error(text: str) -> Said:
    return Said(500, {"errors": [text]})


def _picklist(name: str, options: Mapping[str, str]) -> Mapping[str, object]:
    values = [{"value": value, "label": label, "isActive": True, "isSystem": True} for value, label in options.items()]
    return {"name": name, "isPickList": True, "isRequired": True, "length": 0, "picklistValues": values}


def _person(id: int, first: str, last: str, active: bool) -> dict[str, Any]:
    return {
        "id": id, "firstName": first, "lastName": last, "email": f"{first}@acme.example".lower(), "isActive": active,
        "defaultServiceDeskRoleID": ROLE,
    }  # fmt: skip


PEOPLE = (_person(1, "Anna", "Ahlberg", True), _person(2, "Ben", "Berg", True), _person(3, "Old", "Hand", False))


def _fits(row: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    match condition["op"]:
        case "and":
            return all(_fits(row, each) for each in condition["items"])
        case "or":
            return any(_fits(row, each) for each in condition["items"])
        case "eq":
            found, wanted = row.get(condition["field"]), condition["value"]
            return found.lower() == wanted.lower() if isinstance(found, str) and isinstance(wanted, str) else bool(found == wanted)
        case "gte":
            return bool(row.get(condition["field"], 0) >= condition["value"])
        case "contains":
            return condition["value"] in str(row.get(condition["field"], ""))
        case other:
            raise AssertionError(f"nobody here knows {other}")
