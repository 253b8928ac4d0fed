"""What every notifier must do: subclass `NotifierContract` and override its two fixtures."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import anyio
import pytest
from attrs import evolve

from flowpilot_core.ports.notifications import Message, Notifier, NotSent
from flowpilot_core.testing.contracts.contract import Contract


class Postbox(Protocol):
    """The other end of a notifier, as the suite looks at it and plays tricks with it."""

    @property
    def accepted(self) -> Sequence[Message]:
        """What was accepted, in the order it was, with lines of text ending in a bare LF."""

    def refuse(self, to: str, *, permanent: bool) -> None:
        """Refuse the next message to this address. Only for who declares the capability `refuses`."""

    def lose_answer(self, to: str) -> None:
        """Accept the next message to this address and say nothing. Only for who declares `loses_answers`."""

    def stall(self, to: str) -> None:
        """Neither take nor refuse the next message to this address. Only for who declares `stalls`."""


def a_message(
    number: int = 1, *, to: str = "anna@example.com", text: str = "Nothing prints any more.\n", subject: str = "[high] VPN down"
) -> Message:
    """A message like any other; another number, another message id."""
    return Message(
        message_id=f"<{UUID(int=number)}@flowpilot.example.com>",
        to=to,
        to_name="Anna Ahlberg",
        account_name="Northwind IT",
        subject=subject,
        text=text,
    )


class NotifierContract(Contract):
    """The suite. `capabilities` names what the postbox can do: `refuses`, `loses_answers`, `stalls`."""

    @pytest.fixture
    def notifier(self) -> Notifier:
        raise NotImplementedError("override this fixture with the notifier under test")

    @pytest.fixture
    def postbox(self) -> Postbox:
        raise NotImplementedError("override this fixture with what the notifier's messages arrive in")

    async def test_a_message_arrives_as_it_was_sent(self, notifier: Notifier, postbox: Postbox) -> None:
        await notifier.send(a_message())

        assert [a_message()] == list(postbox.accepted)

    @pytest.mark.parametrize(
        "text",
        [
            "Grüße aus Malmö, 東京 und 🖨\n",
            "one\n.\ntwo\n..\n...three\n.",
            "a line of its own: \n\n  indented\n\ttab\n",
            "long " * 2_000,
            "From the start\nFrom: nobody@example.com\n\nQUIT\n",
        ],
    )
    async def test_a_text_arrives_line_by_line_whatever_is_in_it(self, notifier: Notifier, postbox: Postbox, text: str) -> None:
        await notifier.send(a_message(text=text))

        (arrived,) = postbox.accepted
        assert text.rstrip("\n") == arrived.text.rstrip("\n")

    @pytest.mark.parametrize("subject", ["Übergabe: Drucker 3. Stock", "[critical] 東京", "x" * 200, "a = ? b"])
    async def test_a_subject_arrives_whatever_its_script(self, notifier: Notifier, postbox: Postbox, subject: str) -> None:
        await notifier.send(a_message(subject=subject))

        (arrived,) = postbox.accepted
        assert subject == arrived.subject

    async def test_what_goes_with_a_message_arrives_with_it(self, notifier: Notifier, postbox: Postbox) -> None:
        message = evolve(
            a_message(),
            html="<!DOCTYPE html>\n<p>Nothing prints in Malmö any more.\n.\n</p>\n",
            thread_id=f"<{UUID(int=99)}@flowpilot.example.com>",
            unsubscribe_url=f"https://flowpilot.example.com/no-mails/{'x' * 200}",
        )

        await notifier.send(message)

        assert [message] == list(postbox.accepted)

    async def test_a_repeat_is_recognised_by_its_message_id_and_says_that_it_may_be_one(self, notifier: Notifier, postbox: Postbox) -> None:
        repeat = evolve(a_message(), maybe_twice=True)

        await notifier.send(a_message())
        await notifier.send(repeat)

        assert [a_message(), repeat] == list(postbox.accepted)

    async def test_of_many_at_once_none_is_lost_doubled_or_mixed_up(self, notifier: Notifier, postbox: Postbox) -> None:
        messages = [a_message(number, to=f"person{number}@example.com", text=f"{number}\n") for number in range(200)]

        async with anyio.create_task_group() as tasks:
            for message in messages:
                tasks.start_soon(notifier.send, message)

        assert messages == sorted(postbox.accepted, key=lambda message: message.message_id)

    @pytest.mark.requires("refuses")
    async def test_a_refusal_for_good_says_so(self, notifier: Notifier, postbox: Postbox) -> None:
        postbox.refuse("anna@example.com", permanent=True)

        with pytest.raises(NotSent) as refused:
            await notifier.send(a_message())

        assert (True, False) == (refused.value.permanent, refused.value.unknown)
        assert refused.value.problem
        assert not postbox.accepted

    @pytest.mark.requires("refuses")
    async def test_after_a_refusal_for_now_the_same_message_is_accepted_later(self, notifier: Notifier, postbox: Postbox) -> None:
        postbox.refuse("anna@example.com", permanent=False)

        with pytest.raises(NotSent) as refused:
            await notifier.send(a_message())
        await notifier.send(a_message())

        assert (False, False) == (refused.value.permanent, refused.value.unknown)
        assert [a_message()] == list(postbox.accepted)

    @pytest.mark.requires("refuses")
    async def test_one_refused_address_keeps_no_other_message_back(self, notifier: Notifier, postbox: Postbox) -> None:
        postbox.refuse("ben@example.com", permanent=True)
        problems: list[str] = []

        async def send(message: Message) -> None:
            try:
                await notifier.send(message)
            except NotSent:
                problems.append(message.to)

        async with anyio.create_task_group() as tasks:
            for number, name in enumerate(["anna", "ben", "cleo"]):
                tasks.start_soon(send, a_message(number, to=f"{name}@example.com"))

        assert ["ben@example.com"] == problems
        assert {"anna@example.com", "cleo@example.com"} == {message.to for message in postbox.accepted}

    @pytest.mark.requires("loses_answers")
    async def test_a_lost_answer_leaves_the_outcome_unknown(self, notifier: Notifier, postbox: Postbox) -> None:
        postbox.lose_answer("anna@example.com")

        with pytest.raises(NotSent) as lost:
            await notifier.send(a_message())

        assert (False, True) == (lost.value.permanent, lost.value.unknown)
        assert [a_message()] == list(postbox.accepted)

    @pytest.mark.requires("stalls")
    async def test_a_send_ends_where_the_other_end_never_answers(self, notifier: Notifier, postbox: Postbox) -> None:
        postbox.stall("anna@example.com")

        with pytest.raises(NotSent) as stalled:
            await notifier.send(a_message())

        assert (False, False) == (stalled.value.permanent, stalled.value.unknown)
        assert not postbox.accepted
