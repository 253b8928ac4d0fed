"""What is done on a ticket, each thing once however often it is tried: a note in parts, an entry of work, and what a ticket is given."""

from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.handoffs.time_spent import TimeSpent
from flowpilot_core.domain.psa.connection import TicketAction
from flowpilot_core.domain.psa.note import Facts, marker, parts, written
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.ports.assistant import Clean
from flowpilot_core.ports.psa import Access, NotDone, Note, Posted, Psa, TimeEntry


class Task(Protocol):
    """What one post is to do."""

    def text(self, clean: Clean) -> str:
        """What stands in the log of it, without what `clean` takes out; of a note what it says."""

    @property
    def whom(self) -> User | None:
        """Somebody who must be known in the PSA for it; None: nobody."""

    async def done(self, psa: Psa, access: Access, post: PsaPost, member_id: str) -> Posted:
        """Do it, or find that it is done. `member_id` is who `whom` is there. Raises `NotDone`."""


@frozen(kw_only=True)
class NoteTask:
    """A note, in as many parts as the vendor's limit needs."""

    title: str
    template: str
    facts: Facts
    link: str
    whom: None = None

    def text(self, clean: Clean) -> str:
        """As `Task.text` says. The facts are cleaned before a long one is cut: of half a secret nobody sees that it is one."""
        return clean(written(self.template, self.facts.cleaned(clean)))

    async def done(self, psa: Psa, access: Access, post: PsaPost, member_id: str) -> Posted:
        """Each part carries a marker of its own, which is looked for where the part may stand there already."""
        longest = await psa.longest_note(access)
        texts = parts(post.sent or "", format=psa.vendor.format, longest=longest, post_id=post.id, link=self.link)
        standing: list[Posted] = []
        try:
            for number, text in enumerate(texts, start=1):
                standing.append(await self._part(psa, access, post, Note(title=self.title, text=text, marker=marker(post.id, number))))
        except NotDone as refused:
            refused.unknown = refused.unknown or bool(standing)
            raise
        return Posted(vendor_id=", ".join(part.vendor_id for part in standing), answer=standing[-1].answer if standing else "")

    async def _part(self, psa: Psa, access: Access, post: PsaPost, note: Note) -> Posted:
        if post.maybe_posted and (found := await psa.find_note(access, post.ticket_id, note.marker)):
            return Posted(vendor_id=found, answer="it was already on the ticket")
        try:
            return await psa.add_note(access, post.ticket_id, note)
        except NotDone as refused:
            # Never to be tried again, and yet maybe done: what would be a retry's first look is taken now.
            if not _worth_a_look(refused) or not (found := await psa.find_note(access, post.ticket_id, note.marker)):
                raise
            return Posted(vendor_id=found, answer=f"it is on the ticket all the same: {refused.problem}")


@frozen(kw_only=True)
class TimeTask:
    """The work of somebody, recognised by its marker as notes are."""

    says: str
    whom: User
    spent: TimeSpent

    def text(self, clean: Clean) -> str:
        """As `Task.text` says."""
        return clean(self.says)

    async def done(self, psa: Psa, access: Access, post: PsaPost, member_id: str) -> Posted:
        """One entry, whatever is lost of the answer."""
        mark = marker(post.id, 1)
        text = f"{post.sent}\nFlowPilot {mark}"
        entry = TimeEntry(member_id=member_id, began=self.spent.began, minutes=self.spent.minutes, text=text, marker=mark)
        if post.maybe_posted and (found := await psa.find_time(access, post.ticket_id, mark)):
            return Posted(vendor_id=found, answer="it was entered already")
        try:
            return await psa.add_time(access, post.ticket_id, entry)
        except NotDone as refused:
            if not _worth_a_look(refused) or not (found := await psa.find_time(access, post.ticket_id, mark)):
                raise
            return Posted(vendor_id=found, answer=f"it is entered, though: {refused.problem}")


@frozen(kw_only=True)
class SetTask:
    """What a ticket is given: compared with what it has before it is written, so that a repeat writes nothing."""

    action: TicketAction
    says: str
    value: str = ""
    """The status or priority."""
    whom: User | None = None
    """Whose ticket it is to be."""

    def text(self, clean: Clean) -> str:
        """As `Task.text` says."""
        return clean(self.says)

    async def done(self, psa: Psa, access: Access, post: PsaPost, member_id: str) -> Posted:
        """Twice is once."""
        match self.action:
            case TicketAction.STATUS:
                await psa.set_status(access, post.ticket_id, self.value)
            case TicketAction.PRIORITY:
                await psa.set_priority(access, post.ticket_id, self.value)
            case _:
                await psa.set_owner(access, post.ticket_id, member_id)
        return Posted(vendor_id=member_id or self.value, answer="the ticket has it")


def _worth_a_look(refused: NotDone) -> bool:
    return refused.permanent and refused.unknown
