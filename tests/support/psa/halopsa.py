"""HaloPSA, simulated."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from flowpilot_core.ports.psa import Knock

from .server import Asked, Note, Said, Simulator, Work

ACTION_FIELDS = {
    "ticket_id",
    "outcome",
    "outcome_id",
    "note",
    "note_html",
    "hiddenfromuser",
    "sendemail",
    "who",
    "who_type",
    "who_agentid",
    "timetaken",
    "new_status",
}
LONGEST_HTML = 60_000
OUTCOMES = {7: "Private Note", 8: "Email User", 9: "Close Ticket"}
NOT_ALLOWED = 9
STATUSES = {1: "New", 2: "In Progress", 9: "Closed"}
PRIORITIES = {1: "Priority 1", 2: "Priority 2"}
LIMIT = 300
TIMED_OUT = Said(500, b"")


class HaloPsaSimulator(Simulator):
    system = "halopsa"
    first_status = 1
    closed_status = 9
    posting = ("POST", "/api/Actions")
    entering = posting

    def __init__(self) -> None:
        super().__init__()
        self.statuses = dict.fromkeys(self.tickets, self.first_status)
        self.tokens: set[str] = set()
        self.tokens_given = 0
        self.expires_in = 3600
        self.calls_left = LIMIT

    @property
    def credentials(self) -> Mapping[str, str]:
        return {"client_id": "canary-app-51fe", "client_secret": "canary-secret-88qz", "tenant": "acme"}

    @property
    def wrong_credentials(self) -> Mapping[str, str]:
        return {**self.credentials, "client_secret": "canary-wrong-0000"}

    def knock(self, ticket: int, secret: str, *, of: str | None = None) -> Knock:
        told = {"id": "0f7e", "event": f"{of or 'Ticket'} Updated", "timestamp": "2026-11-02T09:00:00", of or "ticket": {"id": ticket}}
        login = b64encode(f"flowpilot:{secret}".encode()).decode()
        return Knock(headers={"authorization": f"Basic {login}"}, body=json.dumps(told).encode())

    def expire(self) -> None:
        """Every token given so far is good no more."""
        with self._lock:
            self.tokens.clear()

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/api/authinfo":
            return Said(200, {"auth_url": f"{self.url}/auth", "tenant_id": "acme"})
        if self.calls_left == 0:
            return Said(429, b"Rate Limit Reached - 300 Requests per rolling 5 minute window")
        self.calls_left -= 1
        if asked.path == "/auth/token":
            return self._token(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Said(401, b"")
        if not self.may(asked):
            return Said(403, b"")
        return self._routed(asked)

    def _token(self, asked: Asked) -> Said:
        form = asked.form
        if asked.query.get("tenant") != self.credentials["tenant"]:
            return Said(500, b"")
        if form.get("grant_type") != "client_credentials":
            return Said(400, {"error": "unsupported_grant_type"})
        if form.get("scope") != "all":
            return Said(400, {"error": "invalid_scope"})
        if any(form.get(name) != self.credentials[name] for name in ("client_id", "client_secret")):
            return Said(401, {"error": "invalid_client", "error_description": "The specified client credentials are invalid."})
        self.tokens_given += 1
        token = f"canary-token-{self.tokens_given}"
        self.tokens.add(token)
        return Said(200, {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})

    def _routed(self, asked: Asked) -> Said:
        ticket = re.fullmatch(r"/api/Tickets/(\d+)", asked.path)
        if ticket is not None and asked.method == "GET":
            return self._shown(int(ticket[1]))
        match asked.method, asked.path:
            case "GET", "/api/Tickets":
                return Said(200, {"record_count": len(self.tickets), "tickets": [{"id": id} for id in self.tickets]})
            case "POST", "/api/Tickets":
                return self._changed(asked.json)
            case "GET", "/api/Actions":
                return self._actions(asked)
            case "POST", "/api/Actions":
                return self._added(asked.json)
            case "GET", "/api/Outcome":
                return Said(200, [{"id": id, "outcome": name} for id, name in OUTCOMES.items()])
            case "GET", "/api/Status":
                return Said(200, [{"id": id, "name": name} for id, name in STATUSES.items()])
            case "GET", "/api/Priority":
                return Said(200, [{"id": f"guid-{id}", "priorityid": id, "name": name} for id, name in PRIORITIES.items()])
            case "GET", "/api/Agent":
                agents = [
                    {"id": 1, "name": "Anna Ahlberg", "email": "anna@acme.example"},
                    {"id": 2, "name": "Ben Berg", "email": "ben@acme.example"},
                ]
                return Said(200, [*agents, {"id": 3, "name": "Old Hand", "isdisabled": True}])
            case _:
                return Said(404, b"")

    def _shown(self, id: int) -> Said:
        ticket = self.tickets.get(id)
        if ticket is None:
            return Said(404, b"")
        shown = {
            "id": id, "summary": ticket.title, "status_id": self.statuses[id], "client_name": "Northwind", "user_name": "Nora North",
            "priority": {"id": ticket.priority, "name": PRIORITIES[ticket.priority]}, "priority_id": ticket.priority,
            "agent_id": ticket.owner, "hasbeenclosed": ticket.closed,
        }  # fmt: skip
        return Said(200, shown)

    def _actions(self, asked: Asked) -> Said:
        # Without a ticket nothing comes back; a filter that nobody knows is no filter.
        if "ticket_id" not in asked.query:
            return Said(200, {"record_count": 0, "actions": []})
        found = self.tickets.get(int(asked.query["ticket_id"]))
        rows = [note.raw for note in found.notes] if found else []
        elsewhere = [note.raw for ticket in self.tickets.values() if ticket is not found for note in ticket.notes]
        newest_first = sorted(rows, key=lambda row: -row["id"])[: int(asked.query.get("count", 50))]
        return Said(200, {"record_count": len(rows), "actions": newest_first + elsewhere})

    def _added(self, body: Any) -> Said:
        if not isinstance(body, list) or len(body) != 1 or set(body[0]) - ACTION_FIELDS:
            return Said(400, {"Message": "an array of actions is needed"})
        (action,) = body
        ticket = self.tickets.get(action.get("ticket_id", 0))
        if ticket is None:
            return Said(400, {"ClassName": "System.Exception", "Message": "A ticket is needed"})
        if ticket.locked:
            return Said(409, b"")
        outcome = action.get("outcome_id") or next((id for id, name in OUTCOMES.items() if name == action.get("outcome")), None)
        if outcome is None:
            return Said(400, {"ClassName": "System.Exception", "Message": "An Outcome must be entered for this Action"})
        if outcome == NOT_ALLOWED or outcome not in OUTCOMES:
            return Said(400, {"Message": "You do not have access to this Action at the moment"})
        text = action.get("note_html") or action.get("note") or ""
        if len(text) > LONGEST_HTML:
            return Said(400, {"Message": "The note is too long"})
        id = len(ticket.notes) + 1
        raw = {**action, "id": id, "who": "FlowPilot", "datetime": "2026-11-02T09:00:00", "actionby_application_id": "flowpilot"}
        ticket.notes.append(Note(id, text, public=not action.get("hiddenfromuser", True), raw=raw))
        if action.get("timetaken"):
            ticket.work.append(Work(id, action.get("who_agentid", 0), round(action["timetaken"] * 60), text, raw))
        return Said(201, raw)

    def _changed(self, body: Any) -> Said:
        if not isinstance(body, list):
            return Said(400, {"Message": "an array of tickets is needed"})
        for change in body:
            if change["id"] not in self.tickets:
                return Said(404, b"")
            ticket = self.tickets[change["id"]]
            if ticket.locked:
                return Said(409, b"")
            known = {"status_id": STATUSES, "priority_id": PRIORITIES, "agent_id": {1: "", 2: ""}}
            for field, wanted in change.items():
                if field != "id" and wanted not in known.get(field, ()):
                    return Said(400, {"Message": f"The {field} is invalid"})
            ticket.changes += len(change) - 1
            self.statuses[ticket.id] = change.get("status_id", self.statuses[ticket.id])
            ticket.priority = change.get("priority_id", ticket.priority)
            ticket.owner = change.get("agent_id", ticket.owner)
            ticket.closed = STATUSES[self.statuses[ticket.id]] == "Closed"
        return self._shown(body[0]["id"])
