"""What every vendor's adapter must do: subclass `PsaContract` and override its two fixtures."""

from collections.abc import Callable, Sequence
from typing import Protocol

import anyio
import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotVouchedFor
from flowpilot_core.domain.psa.vendor import Vouching
from flowpilot_core.ports.psa import Access, Knock, NotDone, Note, Psa, TimeEntry, Trouble
from flowpilot_core.testing.builders import NOON
from flowpilot_core.testing.contracts.contract import Contract

TICKET = "1001"
OTHER_TICKET = "1002"
NO_TICKET = "4004"
SECRET = "a secret that nobody guesses"  # noqa: S105  (the suite's own)


class Desk(Protocol):
    """The vendor's end, as the suite looks at it and plays tricks with it. It has the tickets 1001 and 1002, and not 4004.

    Its people are Anna Ahlberg and Ben Berg, at `acme.example`. Its statuses have one named In Progress and one that closes; its
    priorities are Priority 1, which its tickets have, and Priority 2.
    """

    @property
    def access(self) -> Access:
        """A connection whose credentials are good, with no settings."""

    @property
    def wrong_access(self) -> Access:
        """One whose key is wrong."""

    @property
    def closing_status(self) -> str:
        """The name of the status that closes a ticket."""

    def notes(self, ticket_id: str) -> Sequence[str]:
        """The texts of a ticket's notes, oldest first, as they were sent."""

    def public_notes(self, ticket_id: str) -> int:
        """How many notes of a ticket its client sees."""

    def owner(self, ticket_id: str) -> str | None:
        """The id of the member whose ticket it is."""

    def work(self, ticket_id: str) -> Sequence[tuple[str, int]]:
        """Whose work was entered on a ticket, by the member's id, and how many minutes each time, oldest first."""

    def changes(self, ticket_id: str) -> int:
        """How often a ticket's status, priority or owner was written."""

    def lose_answer_to_time(self) -> None:
        """Enter the work that comes next, and answer that it failed or not at all."""

    def lose_answer(self) -> None:
        """Write the next note, and answer that it failed or not at all."""

    def fail(self) -> None:
        """Fail at the next note for a while, without writing it."""

    def hold_off(self, seconds: int) -> None:
        """Refuse the next note: there were too many calls, and there may be more in so many seconds."""

    def lock(self, ticket_id: str) -> None:
        """Refuse notes on a ticket, since somebody else is changing it."""

    def webhook(self, ticket_id: str, secret: str) -> Knock:
        """What the vendor sends as a ticket changes, to whoever gave it this secret."""

    def other_webhook(self, secret: str) -> Knock:
        """What it sends as something else does."""

    def answer_as_proxy(self) -> None:
        """Have something else answer the next note, with a page of HTML. Only for who declares the capability `proxied`."""

    def stall(self) -> Callable[[], None]:
        """Neither take nor refuse the next note until what is returned is called. Only for who declares `stalls`."""


def a_note(number: int = 1, *, text: str = "Swapped the cable: no change.") -> Note:
    """A note like any other; another number, another marker."""
    marker = f"FP-{number:032x}-01"
    return Note(title="Escalated by Anna", text=f"{text}\n{marker}", marker=marker)


def an_entry(member_id: str, number: int = 1, *, minutes: int = 90) -> TimeEntry:
    """Work like any other; another number, another marker."""
    marker = f"FP-{number:032x}-01"
    return TimeEntry(member_id=member_id, began=NOON, minutes=minutes, text=f"Until it was escalated.\n{marker}", marker=marker)


class PsaContract(Contract):
    """The suite. `capabilities` names what the desk can do: `proxied`, `stalls`."""

    @pytest.fixture
    def psa(self) -> Psa:
        raise NotImplementedError("override this fixture with the adapter under test")

    @pytest.fixture
    def desk(self) -> Desk:
        raise NotImplementedError("override this fixture with what the adapter talks to")

    async def test_a_connection_that_would_work_is_said_to(self, psa: Psa, desk: Desk) -> None:
        await psa.check(desk.access)

        assert [] == [*desk.notes(TICKET), *desk.notes(OTHER_TICKET)]

    async def test_a_wrong_key_is_called_that_and_never_repeated(self, psa: Psa, desk: Desk) -> None:
        with pytest.raises(NotDone) as refused:
            await psa.check(desk.wrong_access)

        assert (Trouble.WRONG_KEY, True) == (refused.value.trouble, refused.value.permanent)
        assert not any(secret in refused.value.problem for secret in desk.wrong_access.credentials.values())

    async def test_what_is_tested_is_asked_anew(self, psa: Psa, desk: Desk) -> None:
        with pytest.raises(NotDone):
            await psa.check(desk.wrong_access)

        await psa.check(desk.access)

    async def test_a_note_stands_on_its_ticket_and_nowhere_else(self, psa: Psa, desk: Desk) -> None:
        posted = await psa.add_note(desk.access, TICKET, a_note())

        assert [a_note().text] == list(desk.notes(TICKET))
        assert [] == list(desk.notes(OTHER_TICKET))
        assert posted.vendor_id
        assert posted.answer

    async def test_a_note_is_private_unless_the_connection_says_otherwise(self, psa: Psa, desk: Desk) -> None:
        await psa.add_note(desk.access, TICKET, a_note())

        assert 0 == desk.public_notes(TICKET)

    @pytest.mark.parametrize(
        "text", ["Grüße aus Malmö, 東京 und 🖨", 'quotes "and" \\back\\slashes', "{curly} [square] <angle> & co", "a\n\nb"]
    )
    async def test_a_text_arrives_whatever_is_in_it(self, psa: Psa, desk: Desk, text: str) -> None:
        await psa.add_note(desk.access, TICKET, a_note(text=text))

        assert [a_note(text=text).text] == list(desk.notes(TICKET))

    async def test_a_note_as_long_as_notes_may_be_is_taken(self, psa: Psa, desk: Desk) -> None:
        longest = await psa.longest_note(desk.access)
        room = longest - len(a_note(text="").text)

        await psa.add_note(desk.access, TICKET, a_note(text="x" * room))

        assert [longest] == [len(text) for text in desk.notes(TICKET)]

    async def test_a_note_is_found_by_its_marker(self, psa: Psa, desk: Desk) -> None:
        posted = await psa.add_note(desk.access, TICKET, a_note(1))
        await psa.add_note(desk.access, TICKET, a_note(2))

        assert posted.vendor_id == await psa.find_note(desk.access, TICKET, a_note(1).marker)

    async def test_a_note_that_is_not_there_is_not_found(self, psa: Psa, desk: Desk) -> None:
        await psa.add_note(desk.access, TICKET, a_note(2))
        await psa.add_note(desk.access, OTHER_TICKET, a_note(1))

        assert await psa.find_note(desk.access, TICKET, a_note(1).marker) is None

    async def test_after_a_lost_answer_the_note_is_found(self, psa: Psa, desk: Desk) -> None:
        """F34: the vendor failed after it had written the note."""
        desk.lose_answer()

        with pytest.raises(NotDone) as lost:
            await psa.add_note(desk.access, TICKET, a_note())

        assert lost.value.unknown
        assert await psa.find_note(desk.access, TICKET, a_note().marker) is not None
        assert [a_note().text] == list(desk.notes(TICKET))

    async def test_a_failure_for_now_says_so(self, psa: Psa, desk: Desk) -> None:
        desk.fail()

        with pytest.raises(NotDone) as failed:
            await psa.add_note(desk.access, TICKET, a_note())
        await psa.add_note(desk.access, TICKET, a_note())

        assert not failed.value.permanent
        assert [a_note().text] == list(desk.notes(TICKET))

    async def test_a_vendor_that_asks_for_a_rest_is_left_alone(self, psa: Psa, desk: Desk) -> None:
        """F33: no call leaves for it until then."""
        desk.hold_off(seconds=60)

        refusals = []
        for _ in range(2):
            with pytest.raises(NotDone) as refused:
                await psa.add_note(desk.access, TICKET, a_note())
            refusals.append(refused.value)

        assert [Trouble.TOO_MANY_CALLS] * 2 == [refusal.trouble for refusal in refusals]
        assert [False, False] == [refusal.permanent or refusal.unknown for refusal in refusals]
        assert all(refusal.retry_after for refusal in refusals)
        assert [] == list(desk.notes(TICKET))

    async def test_a_locked_ticket_may_be_free_later(self, psa: Psa, desk: Desk) -> None:
        desk.lock(TICKET)

        with pytest.raises(NotDone) as refused:
            await psa.add_note(desk.access, TICKET, a_note())

        assert (Trouble.TICKET_LOCKED, False) == (refused.value.trouble, refused.value.permanent)

    @pytest.mark.parametrize("ticket_id", [NO_TICKET, "T20260101.0001", "../../system/members", "1001/../1002", "9" * 40, "²"])
    async def test_a_ticket_that_is_not_there_is_said_to_be_gone(self, psa: Psa, desk: Desk, ticket_id: str) -> None:
        """F35."""
        for call in (psa.ticket(desk.access, ticket_id), psa.add_note(desk.access, ticket_id, a_note())):
            with pytest.raises(NotDone) as gone:
                await call
            assert (Trouble.TICKET_GONE, True, False) == (gone.value.trouble, gone.value.permanent, gone.value.unknown)

    async def test_a_ticket_is_read_with_its_notes(self, psa: Psa, desk: Desk) -> None:
        await psa.add_note(desk.access, TICKET, a_note(1))
        await psa.add_note(desk.access, TICKET, a_note(2))

        ticket = await psa.ticket(desk.access, TICKET)

        assert (TICKET, "VPN down", "New", False) == (ticket.id, ticket.title, ticket.status, ticket.closed)
        assert [True, True] == [a_note(number).marker in note.text for number, note in zip((2, 1), ticket.notes, strict=True)]

    async def test_members_are_told_with_their_addresses(self, psa: Psa, desk: Desk) -> None:
        members = await psa.members(desk.access)

        found = [(member.name, member.email) for member in members]
        assert [("Anna Ahlberg", "anna@acme.example"), ("Ben Berg", "ben@acme.example")] == found

    async def test_a_ticket_gets_a_status_by_its_name(self, psa: Psa, desk: Desk) -> None:
        await psa.set_status(desk.access, TICKET, "in progress")
        underway = await psa.ticket(desk.access, TICKET)
        await psa.set_status(desk.access, TICKET, desk.closing_status)
        done = await psa.ticket(desk.access, TICKET)

        assert [("In Progress", False), (desk.closing_status, True)] == [(ticket.status, ticket.closed) for ticket in (underway, done)]

    async def test_a_status_that_is_not_there_is_a_wrong_setting(self, psa: Psa, desk: Desk) -> None:
        with pytest.raises(NotDone) as refused:
            await psa.set_status(desk.access, TICKET, "On the Moon")

        assert (Trouble.WRONG_SETTING, True) == (refused.value.trouble, refused.value.permanent)

    async def test_a_status_that_it_has_already_is_not_written_again(self, psa: Psa, desk: Desk) -> None:
        for _ in range(3):
            await psa.set_status(desk.access, TICKET, "In Progress")
            await psa.set_priority(desk.access, TICKET, "Priority 2")

        assert 2 == desk.changes(TICKET)
        assert 0 == desk.changes(OTHER_TICKET)

    async def test_a_ticket_gets_a_priority_by_its_name(self, psa: Psa, desk: Desk) -> None:
        before = (await psa.ticket(desk.access, TICKET)).priority
        await psa.set_priority(desk.access, TICKET, "priority 2")

        assert ("Priority 1", "Priority 2") == (before, (await psa.ticket(desk.access, TICKET)).priority)

    async def test_a_priority_that_is_not_there_is_a_wrong_setting(self, psa: Psa, desk: Desk) -> None:
        with pytest.raises(NotDone) as refused:
            await psa.set_priority(desk.access, TICKET, "Priority 99")

        assert (Trouble.WRONG_SETTING, True) == (refused.value.trouble, refused.value.permanent)

    async def test_what_a_ticket_may_be_given_is_told(self, psa: Psa, desk: Desk) -> None:
        choices = await psa.choices(desk.access)

        assert {"New", "In Progress", desk.closing_status} <= set(choices.statuses.values())
        assert {"Priority 1", "Priority 2"} == set(choices.priorities.values())
        number = next(number for number, name in choices.statuses.items() if name == "In Progress")
        await psa.set_status(desk.access, TICKET, number)
        assert "In Progress" == (await psa.ticket(desk.access, TICKET)).status

    async def test_a_member_is_found_by_their_address_in_whatever_letters(self, psa: Psa, desk: Desk) -> None:
        found = await psa.member_by_email(desk.access, "Ben@ACME.example")

        assert found is not None
        assert "Ben Berg" == found.name

    @pytest.mark.parametrize("email", ["old@acme.example", "en@acme.example", 'x" or "1"="1', "*", "%@acme.example", ""])
    async def test_an_address_that_nobody_has_is_nobodys(self, psa: Psa, desk: Desk, email: str) -> None:
        assert await psa.member_by_email(desk.access, email) is None

    async def test_a_ticket_becomes_a_members(self, psa: Psa, desk: Desk) -> None:
        ben = await psa.member_by_email(desk.access, "ben@acme.example")
        assert ben is not None
        for _ in range(2):
            await psa.set_owner(desk.access, TICKET, ben.id)

        assert (ben.id, None, 1) == (desk.owner(TICKET), desk.owner(OTHER_TICKET), desk.changes(TICKET))

    async def test_work_is_entered_for_its_member_and_found_by_its_marker(self, psa: Psa, desk: Desk) -> None:
        ben = await psa.member_by_email(desk.access, "ben@acme.example")
        assert ben is not None
        posted = await psa.add_time(desk.access, TICKET, an_entry(ben.id, 1))
        await psa.add_time(desk.access, TICKET, an_entry(ben.id, 2, minutes=15))

        assert [(ben.id, 90), (ben.id, 15)] == list(desk.work(TICKET))
        assert posted.vendor_id == await psa.find_time(desk.access, TICKET, an_entry(ben.id, 1).marker)
        assert await psa.find_time(desk.access, TICKET, an_entry(ben.id, 3).marker) is None
        assert await psa.find_time(desk.access, OTHER_TICKET, an_entry(ben.id, 1).marker) is None
        assert (0, []) == (desk.public_notes(TICKET), list(desk.work(OTHER_TICKET)))

    async def test_after_a_lost_answer_the_work_is_found(self, psa: Psa, desk: Desk) -> None:
        """F34: the vendor failed after it had entered the work."""
        ben = await psa.member_by_email(desk.access, "ben@acme.example")
        assert ben is not None
        desk.lose_answer_to_time()

        with pytest.raises(NotDone) as lost:
            await psa.add_time(desk.access, TICKET, an_entry(ben.id))

        assert lost.value.unknown
        assert await psa.find_time(desk.access, TICKET, an_entry(ben.id).marker) is not None
        assert [(ben.id, 90)] == list(desk.work(TICKET))

    @pytest.mark.parametrize("ticket_id", [NO_TICKET, "../../system/members", "²"])
    async def test_a_ticket_that_is_not_there_cannot_be_changed(self, psa: Psa, desk: Desk, ticket_id: str) -> None:
        """F35."""
        ben = await psa.member_by_email(desk.access, "ben@acme.example")
        assert ben is not None
        for call in (
            psa.set_status(desk.access, ticket_id, "In Progress"),
            psa.set_priority(desk.access, ticket_id, "Priority 2"),
            psa.set_owner(desk.access, ticket_id, ben.id),
            psa.add_time(desk.access, ticket_id, an_entry(ben.id)),
        ):
            with pytest.raises(NotDone) as gone:
                await call
            assert (Trouble.TICKET_GONE, False) == (gone.value.trouble, gone.value.unknown)

    async def test_a_webhook_tells_of_a_ticket(self, psa: Psa, desk: Desk) -> None:
        assert TICKET == await psa.told(desk.access, desk.webhook(TICKET, SECRET), SECRET)
        assert OTHER_TICKET == await psa.told(desk.access, desk.webhook(OTHER_TICKET, SECRET), SECRET)

    async def test_a_webhook_of_something_else_tells_of_no_ticket(self, psa: Psa, desk: Desk) -> None:
        assert await psa.told(desk.access, desk.other_webhook(SECRET), SECRET) is None

    async def test_a_webhook_that_nobody_vouches_for_is_none(self, psa: Psa, desk: Desk) -> None:
        knocks = [evolve(desk.webhook(TICKET, SECRET), headers={})]
        if psa.vendor.vouching is Vouching.SECRET:
            knocks.append(desk.webhook(TICKET, "another-secret-0000"))

        for knock in knocks:
            with pytest.raises(NotVouchedFor):
                await psa.told(desk.access, knock, SECRET)

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"Metadata": {"key_url": "http://[::1"}}'])
    async def test_whatever_is_sent_to_it_without_being_vouched_for_is_none(self, psa: Psa, desk: Desk, body: bytes) -> None:
        with pytest.raises(NotVouchedFor):
            await psa.told(desk.access, Knock(body=body), SECRET)

    async def test_of_many_notes_at_once_none_is_lost_or_doubled(self, psa: Psa, desk: Desk) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(psa.add_note, desk.access, TICKET, a_note(number))

        assert sorted(a_note(number).text for number in range(20)) == sorted(desk.notes(TICKET))

    @pytest.mark.requires("proxied")
    async def test_a_page_from_a_proxy_is_no_answer_of_the_vendors(self, psa: Psa, desk: Desk) -> None:
        desk.answer_as_proxy()

        with pytest.raises(NotDone) as refused:
            await psa.add_note(desk.access, TICKET, a_note())

        assert (False, True) == (refused.value.permanent, refused.value.unknown)
        assert "<" not in refused.value.problem

    @pytest.mark.requires("stalls")
    async def test_a_call_ends_where_the_vendor_never_answers(self, psa: Psa, desk: Desk) -> None:
        release = desk.stall()
        try:
            with pytest.raises(NotDone) as stalled:
                await psa.add_note(desk.access, TICKET, a_note())
        finally:
            release()

        assert (Trouble.UNREACHABLE, True) == (stalled.value.trouble, stalled.value.unknown)
