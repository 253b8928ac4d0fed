"""A simulator as the contract suite sees it."""

import threading
from collections.abc import Callable, Sequence

from attrs import frozen

from flowpilot_core.ports.psa import Access, Knock

from .server import HANG_UP, PROXY_PAGE, Said, Simulator


@frozen
class SimulatedDesk:
    simulator: Simulator
    failure: Said
    """How this vendor fails for a while."""
    closing_status: str = "Closed"

    @property
    def access(self) -> Access:
        return self.simulator.access()

    @property
    def wrong_access(self) -> Access:
        return self.simulator.access(wrong=True)

    def notes(self, ticket_id: str) -> Sequence[str]:
        return [note.text for note in self.simulator.notes(int(ticket_id))]

    def public_notes(self, ticket_id: str) -> int:
        return sum(note.public for note in self.simulator.notes(int(ticket_id)))

    def owner(self, ticket_id: str) -> str | None:
        owner = self.simulator.tickets[int(ticket_id)].owner
        return None if owner is None else str(owner)

    def work(self, ticket_id: str) -> Sequence[tuple[str, int]]:
        return [(str(work.member), work.minutes) for work in self.simulator.work(int(ticket_id))]

    def changes(self, ticket_id: str) -> int:
        return self.simulator.tickets[int(ticket_id)].changes

    def lose_answer_to_time(self) -> None:
        self.simulator.play_on_time(afterwards=HANG_UP)

    def lose_answer(self) -> None:
        self.simulator.play_on_notes(afterwards=HANG_UP)

    def fail(self) -> None:
        self.simulator.play_on_notes(instead=self.failure)

    def hold_off(self, seconds: int) -> None:
        self.simulator.play_on_notes(instead=Said(429, b"", {"Retry-After": str(seconds)}))

    def lock(self, ticket_id: str) -> None:
        self.simulator.tickets[int(ticket_id)].locked = True

    def webhook(self, ticket_id: str, secret: str) -> Knock:
        return self.simulator.knock(int(ticket_id), secret)

    def other_webhook(self, secret: str) -> Knock:
        return self.simulator.knock(1001, secret, of="Contact")

    def answer_as_proxy(self) -> None:
        self.simulator.play_on_notes(instead=PROXY_PAGE)

    def stall(self) -> Callable[[], None]:
        gate = threading.Event()
        self.simulator.play_on_notes(gate=gate)
        return gate.set
