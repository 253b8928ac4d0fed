"""ConnectWise PSA, simulated."""

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flowpilot_core.ports.psa import Knock

from .server import Asked, Note, Said, Simulator, Ticket, Work

NOTE_FIELDS = {
    "text", "detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag", "issueFlag", "processNotifications",
    "customerUpdatedFlag", "member", "contact", "internalFlag", "externalFlag",
}  # fmt: skip
FLAGS = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")
LONGEST_TEXT = 10_000
STATUSES = {16: "New", 17: "In Progress", 18: "Closed"}
BOARD = 21
PRIORITIES = {1: "Priority 1", 2: "Priority 2"}
REFERENCES = {"status": "Service Status", "priority": "Priority", "owner": "Member"}
TIME_FIELDS = {
    "chargeToId", "chargeToType", "member", "timeStart", "timeEnd", "actualHours", "notes", "internalNotes", "addToInternalAnalysisFlag",
    "addToDetailDescriptionFlag", "addToResolutionFlag", "emailResourceFlag", "emailContactFlag", "emailCcFlag", "workType", "workRole",
}  # fmt: skip
SIGNING_KEY = "canary-signing-key-9q"
TIMED_OUT = Said(500, {"code": "ConnectWiseApi", "message": "A timeout has occurred. Please try again."})


class ConnectWiseSimulator(Simulator):
    system = "connectwise"
    first_status = 16
    closed_status = 18
    posting = ("POST", "/notes")
    entering = ("POST", "/time/entries")

    def __init__(self) -> None:
        super().__init__()
        self.codebase = "v2026_1/"
        self.cloud = False
        """Whether wrong keys are answered as a company that is not there, and such a company as a path that is not."""
        self.statuses = dict.fromkeys(self.tickets, self.first_status)
        self.of_projects = {2001: Ticket(2001, "Move the server room")}
        """Tickets that the service desk does not know."""

    @property
    def credentials(self) -> Mapping[str, str]:
        return {
            "company_id": "AcmeIT", "public_key": "pub-Kq81", "private_key": "canary-private-Zw93", "client_id": "canary-client-71aa",
        }  # fmt: skip

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        return {**self.credentials, "private_key": "canary-wrong-0000"}

    def knock(self, ticket: int, secret: str, *, of: str | None = None) -> Knock:
        told = {
            "MessageId": "6f1c", "Action": "updated", "Type": of or "ticket", "ID": ticket, "CompanyId": "AcmeIT",
            "Entity": '{"closedFlag": true}', "Metadata": {"key_url": f"{self.url}/keys/1"},
        }  # fmt: skip
        body = json.dumps(told).encode()
        signature = hmac.digest(sha256(SIGNING_KEY.encode()).digest(), body, "sha256")
        return Knock(headers={"x-content-signature": b64encode(signature).decode()}, body=body)

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/keys/1":
            return Said(200, {"signing_key": SIGNING_KEY})
        if asked.path.startswith("/login/companyinfo/"):
            known = asked.path.endswith(f"/{self.credentials['company_id']}")
            if self.cloud and not known:
                return Said(404, b"")
            return Said(200, {"Codebase": self.codebase} if known else None)
        found = re.fullmatch(r"/(v[^/]+/)apis/3\.0/(.*)", asked.path)
        if found is None:
            return Said(404, b"<html>nothing here</html>")
        if found[1] != self.codebase:
            return Said(400, b"Cannot route. Codebase/company is invalid", {"Content-Type": "text/plain"})
        if asked.headers.get("clientid") != self.credentials["client_id"]:
            return Said(400, {"code": "InvalidRequest", "message": "A valid clientId header is required."})
        login = "{company_id}+{public_key}:{private_key}".format_map(self.credentials)
        if asked.headers.get("authorization") != f"Basic {b64encode(login.encode()).decode()}":
            refused = Said(401, {"code": "Unauthorized", "message": "Incorrect public/private key"})
            return Said(404, b"") if self.cloud else refused
        if "version=" not in asked.headers.get("accept", ""):
            return Said(415, {"code": "UnsupportedMediaType", "message": "name a version"})
        if self.calls_left == 0:
            return Said(429, {"error": "ConnectWiseAPI", "message": "Too many requests"}, {"Retry-After": "30"})
        self.calls_left -= 1
        if not self.may(asked):
            return Said(403, {"code": "Security", "message": "You do not have security permission to perform this action."})
        return self._routed(asked, found[2])

    def _routed(self, asked: Asked, path: str) -> Said:
        match asked.method, path.split("/"):
            case "GET", ["system", "info"]:
                return Said(200, {"version": "v2026.1", "isCloud": False})
            case "GET", ["system", "members"]:
                return Said(200, [member for member in MEMBERS if _is_asked_for(member, asked.query.get("conditions", ""))])
            case "GET", ["service", "boards"]:
                return Said(200, [{"id": BOARD}])
            case "GET", ["service", "priorities"]:
                return Said(200, [{"id": id, "name": name} for id, name in PRIORITIES.items()])
            case "GET", ["time", "entries"]:
                charged = re.findall(r"chargeToId=(\d+)", asked.query["conditions"])
                found = [work.raw for id in charged if int(id) in self.tickets for work in self.tickets[int(id)].work]
                return Said(200, found[::-1])
            case "POST", ["time", "entries"]:
                return self._entered(asked.json)
            case "GET", ["service", "boards", _, "statuses"]:
                return Said(200, [{"id": id, "name": name} for id, name in STATUSES.items()])
            case "GET", ["service", "tickets"]:
                return Said(200, [{"id": id} for id in self.tickets][: int(asked.query.get("pageSize", 25))])
            case "GET", ["project", "tickets", id] if int(id) in self.of_projects:
                return Said(200, {"id": int(id), "summary": self.of_projects[int(id)].title})
            case _, ["service", "tickets", id, *rest]:
                ticket = self.tickets.get(int(id)) if id.isdigit() else None
                if ticket is None:
                    return Said(404, {"code": "NotFound", "message": f"Ticket {id} not found"})
                return self._ticket(asked, ticket, rest)
            case _:
                return Said(404, {"code": "NotFound", "message": "nothing here"})

    def _ticket(self, asked: Asked, ticket: Ticket, rest: list[str]) -> Said:
        match asked.method, rest:
            case "GET", []:
                return Said(200, self._shown(ticket))
            case "GET", ["notes"]:
                newest_first = sorted(ticket.notes, key=lambda note: note.id, reverse=asked.query.get("orderBy") == "id desc")
                size, page = int(asked.query.get("pageSize", 25)), int(asked.query.get("page", 1))
                return Said(200, [note.raw for note in newest_first[(page - 1) * size : page * size]])
            case "POST", ["notes"]:
                return self._added(ticket, asked.json)
            case "PATCH", []:
                return self._changed(ticket, asked.json)
            case _:
                return Said(405, b"")

    def _shown(self, ticket: Ticket) -> Mapping[str, object]:
        status = self.statuses[ticket.id]
        return {
            "id": ticket.id,
            "summary": ticket.title,
            "board": {"id": BOARD, "name": "Help Desk"},
            "status": {"id": status, "name": STATUSES[status]},
            "company": {"id": 5, "name": "Northwind"},
            "contact": {"id": 9, "name": "Nora North"},
            "priority": {"id": ticket.priority, "name": PRIORITIES[ticket.priority]},
            **({"owner": {"id": ticket.owner}} if ticket.owner else {}),
            "closedFlag": ticket.closed,
        }

    def _added(self, ticket: Ticket, body: Any) -> Said:
        if not isinstance(body, dict) or set(body) - NOTE_FIELDS:
            return _invalid("serviceNote", "unknown field", "InvalidField")
        if ticket.locked:
            return Said(409, {"code": "InUse", "message": "The record is in use."})
        if len(body.get("text", "")) > LONGEST_TEXT:
            return _invalid("serviceNote", "The field text is too long.", "MaxLengthField")
        if not any(body.get(flag) for flag in FLAGS):
            return _invalid("serviceNote", "Please choose where to display the notes in order to save this record.", "InvalidObject")
        id = 1 + max((note.id for each in self.tickets.values() for note in each.notes), default=500)
        raw = {"id": id, "ticketId": ticket.id, **body, "createdBy": "flowpilot", "dateCreated": "2026-11-02T09:00:00Z"}
        ticket.notes.append(Note(id, body["text"], public=bool(body.get("detailDescriptionFlag")), raw=raw))
        return Said(201, raw)

    def _changed(self, ticket: Ticket, body: Any) -> Said:
        if not isinstance(body, list):
            return _invalid("patch", "an array of operations is needed", "InvalidObject")
        if ticket.locked:
            return Said(409, {"code": "InUse", "message": "The record is in use."})
        for operation in body:
            field = operation.get("path")
            if field not in REFERENCES or operation.get("op") != "replace":
                return _invalid("ticket", "unknown path", "InvalidField")
            wanted = operation["value"]["id"]
            known = {"status": STATUSES, "priority": PRIORITIES, "owner": {1: "", 2: ""}}[field]
            if wanted not in known:
                return _invalid("ticket", f"{REFERENCES[field]} {wanted} not found for Service Board {BOARD}", "NotFound", f"{field}/id")
            ticket.changes += 1
            match field:
                case "status":
                    self.statuses[ticket.id] = wanted
                    ticket.closed = STATUSES[wanted] == "Closed"
                case "priority":
                    ticket.priority = wanted
                case _:
                    ticket.owner = wanted
        return Said(200, self._shown(ticket))

    def _entered(self, body: Any) -> Said:
        if not isinstance(body, dict) or set(body) - TIME_FIELDS:
            return _invalid("timeEntry", "unknown field", "InvalidField")
        ticket = self.tickets.get(body.get("chargeToId", 0))
        if ticket is None or body.get("chargeToType") != "ServiceTicket":
            return Said(404, {"code": "NotFound", "message": f"Ticket {body.get('chargeToId')} not found"})
        if body.get("member", {}).get("id") not in (1, 2):
            return _invalid("timeEntry", "Member not found", "NotFound", "member/id")
        id = 1 + max((work.id for each in self.tickets.values() for work in each.work), default=900)
        raw = {"id": id, **body}
        ticket.work.append(Work(id, body["member"]["id"], round(body["actualHours"] * 60), body["notes"], raw))
        return Said(201, raw)


def _invalid(thing: str, message: str, code: str, where: str = "") -> Said:
    error = {"code": code, "message": message, "resource": thing, "field": where}
    return Said(400, {"code": "InvalidObject", "message": f"{thing} object is invalid", "errors": [error]})


def _member(id: int, first: str, last: str) -> dict[str, object]:
    email = f"{first}@acme.example".lower()
    return {"id": id, "identifier": first.lower(), "firstName": first, "lastName": last, "officeEmail": email, "inactiveFlag": False}


def _is_asked_for(member: Mapping[str, object], conditions: str) -> bool:
    """Whether one of the addresses in the conditions is theirs, where there are conditions."""
    wanted = re.findall(r'(?:officeEmail|primaryEmail)="([^"]*)"', conditions)
    return not conditions or (member["inactiveFlag"] is False and str(member["officeEmail"]).lower() in {email.lower() for email in wanted})


MEMBERS = (_member(1, "Anna", "Ahlberg"), _member(2, "Ben", "Berg"), {**_member(3, "Old", "Hand"), "inactiveFlag": True})
