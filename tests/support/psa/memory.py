"""The PSA in memory as the contract suite sees it."""

import json
from collections.abc import Callable, Sequence
from uuid import UUID

from attrs import frozen

from flowpilot_adapters.memory import MemoryPsa
from flowpilot_core.domain.kernel.identifiers import AccountId, PsaConnectionId
from flowpilot_core.ports.psa import Access, Knock, NotDone, Trouble


@frozen
class MemoryDesk:
    psa: MemoryPsa
    closing_status: str = "Closed"

    @property
    def access(self) -> Access:
        return _access("good")

    @property
    def wrong_access(self) -> Access:
        return _access("canary-wrong-0000")

    def notes(self, ticket_id: str) -> Sequence[str]:
        return [note.text for note in self.psa.tickets[ticket_id].notes]

    def public_notes(self, ticket_id: str) -> int:
        return 0

    def owner(self, ticket_id: str) -> str | None:
        return self.psa.tickets[ticket_id].owner_id

    def work(self, ticket_id: str) -> Sequence[tuple[str, int]]:
        return [(entry.member_id, entry.minutes) for entry in self.psa.tickets[ticket_id].work]

    def changes(self, ticket_id: str) -> int:
        ticket = self.psa.tickets[ticket_id]
        return sum((ticket.status != "New", ticket.priority != "Priority 1", ticket.owner_id is not None))

    def lose_answer_to_time(self) -> None:
        self.lose_answer()

    def lose_answer(self) -> None:
        self.psa.script(NotDone(Trouble.UNREACHABLE, "the line went dead", unknown=True))

    def fail(self) -> None:
        self.psa.script(NotDone(Trouble.VENDOR_FAULT, "not now"))

    def hold_off(self, seconds: int) -> None:
        self.psa.script(*[NotDone(Trouble.TOO_MANY_CALLS, "too many", retry_after=seconds)] * 2)

    def lock(self, ticket_id: str) -> None:
        self.psa.tickets[ticket_id].locked = True

    def webhook(self, ticket_id: str, secret: str) -> Knock:
        return Knock(headers={"x-secret": secret}, body=json.dumps({"ticket": ticket_id}).encode())

    def other_webhook(self, secret: str) -> Knock:
        return Knock(headers={"x-secret": secret}, body=b"{}")

    def answer_as_proxy(self) -> None:
        raise NotImplementedError

    def stall(self) -> Callable[[], None]:
        raise NotImplementedError


def _access(key: str) -> Access:
    return Access(
        account_id=AccountId(UUID(int=1)),
        connection_id=PsaConnectionId(UUID(int=1)),
        version=1,
        base_url="memory:",
        credentials={"key": key},
    )
