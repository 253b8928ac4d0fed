"""Invitations: mailed after the commit, shown to whoever follows the link, and accepted once."""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.relay.leases import settle
from flowpilot_core.application.relay.sending import hand_over
from flowpilot_core.domain.access.account import Account, User, UserMove
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.domain.kernel.errors import InvalidTransition, NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import InvitationId
from flowpilot_core.domain.kernel.secret_text import ParsedToken, Prefix, parse_token, token_digest, token_text
from flowpilot_core.domain.kernel.sending import DeliveryState, delay
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import BeginWork, Clock, Jitter, NewSecret
from flowpilot_core.ports.notifications import Message, Notifier, NotSent
from flowpilot_core.ports.relay import Lease, RelayWork

from .sign_ins import SignedIn, SigningIn


class InvitationsNeeds(AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.invitations")

TO_SEND = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENDING})


@frozen(kw_only=True)
class Welcome:
    """What somebody invited is shown: whose account it is, and as whom they would join."""

    account: Account
    user: User
    invited_by: str


@frozen(kw_only=True)
class Invitations:
    """For whoever holds the link, and is nobody yet; the link names its account, so that looking it up crosses nothing."""

    begin: BeginWork[InvitationsNeeds]
    signing_in: SigningIn
    clock: Clock

    async def look(self, text: str) -> Welcome:
        """What a link is for; looking changes nothing. Raises `NotFound` for one that is unknown, used, withdrawn or over."""
        token = _parsed(text)
        async with self.begin(token.account_id) as work:
            invitation = await self._open(work, token.digest)
            return Welcome(
                account=await work.people.account(),
                user=await work.people.user(invitation.user_id),
                invited_by=(await work.people.user(invitation.invited_by)).name,
            )

    async def accept(self, text: str, *, instead_of: str | None = None) -> SignedIn:
        """Become who was invited, signed in from now on in place of whoever the browser was: once, of any number who try.

        Raises `NotFound` as `look` does.
        """
        token = _parsed(text)
        async with self.begin(token.account_id) as work:
            invitation = await self._open(work, token.digest)
            user = (await work.people.hold(invitation.user_id))[invitation.user_id]
            try:
                joined = user.moved(UserMove.ACCEPT, at=self.clock.now())
            except InvalidTransition:
                raise NotFound("invitation") from None
            await work.people.save_user(joined)
            await work.invitations.drop(user.id)
            signed_in = await self.signing_in.signed_in(work, token.account_id, user.id, WayIn(way=Way.INVITATION))
            await work.audit.add(Deed.of(DeedKind.USER_JOINED, by=signed_in.person, at=self.clock.now(), thing_id=user.id))
            await work.commit()
        await self.signing_in.out(instead_of)
        return signed_in

    async def _open(self, work: InvitationsNeeds, digest: bytes) -> Invitation:
        invitation = await work.invitations.by(digest)
        invitation.require_open(self.clock.now())
        if (await work.people.account()).closed_at is not None:
            raise NotFound("invitation")
        return invitation


@frozen(kw_only=True)
class SendInvitation:
    """Mails one invitation: take, send, settle. The secret in its link is made for the try, and never kept."""

    begin: BeginWork[InvitationsNeeds]
    notifier: Notifier
    clock: Clock
    jitter: Jitter
    new_secret: NewSecret
    base_url: str
    """Where the link leads to."""
    mail_domain: str
    """What stands behind the `@` of message ids."""

    async def do(self, lease: Lease) -> None:
        """Mail what the lease is for, if it still invites somebody."""
        message = await self._take(lease)
        if message is not None:
            outcome = await hand_over(self.notifier, message, log)
            await self._settle(lease, outcome if isinstance(outcome, NotSent) else None)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It will not be mailed, for a reason that lies here."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                invitation = await work.invitations.get(InvitationId(lease.work_id))
                if invitation.mail in TO_SEND:
                    await work.invitations.save(invitation.given_up(problem))
            await work.commit()

    async def _take(self, lease: Lease) -> Message | None:
        secret = self.new_secret()
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            try:
                invitation = await work.invitations.get(InvitationId(lease.work_id))
                invitation.require_open(self.clock.now())
            except NotFound:
                # Accepted, withdrawn, over, or another has taken its place.
                await work.due.finish(lease)
                await work.commit()
                return None
            account = await work.people.account()
            closed = account.why_not_tell()
            if closed is not None:
                await work.invitations.save(invitation.given_up(closed))
                await work.due.finish(lease)
                await work.commit()
                return None
            user = await work.people.user(invitation.user_id)
            inviter, branding = await work.people.user(invitation.invited_by), await work.branding.get()
            await work.invitations.save(invitation.taken(token_digest(secret)))
            await work.commit()
        link = f"{self.base_url}/invitations/{token_text(lease.account_id, secret, Prefix.INVITATION)}"
        name = branding.name(account.name)
        return Message(
            message_id=f"<{invitation.id}.{invitation.attempts + 1}@{self.mail_domain}>",
            to=user.email,
            to_name=user.name,
            account_name=branding.sender(account.name),
            subject=f"{inviter.name} invites you to {name}",
            text=body(user, inviter.name, name, link, days=(invitation.expires_at - invitation.created_at).days),
        )

    async def _settle(self, lease: Lease, refused: NotSent | None) -> None:
        async with self.begin(lease.account_id) as work:
            try:
                invitation = await work.invitations.get(InvitationId(lease.work_id))
            except NotFound:
                await work.due.finish(lease)
                await work.commit()
                return
            settled = invitation.failed(refused.problem, permanent=refused.permanent) if refused else invitation.sent()
            again_in = delay(settled.attempts, self.jitter()) / timedelta(seconds=1) if settled.mail is DeliveryState.FAILED else None
            if not await settle(work, lease, again_in=again_in):
                return
            await work.invitations.save(settled)
            await work.commit()
        log.info(
            "invitation attempt",
            extra={
                "invitation_id": str(settled.id),
                "state": str(settled.mail),
                "attempts": settled.attempts,
                "problem": refused.logged if refused else None,
            },
        )


def body(user: User, inviter: str, account: str, link: str, *, days: int) -> str:
    """What somebody invited needs to decide whether to join."""
    return "\n".join(
        (
            f"Hello {user.name},",
            "",
            f"{inviter} has invited you to join {account} on FlowPilot, as {user.role}.",
            "",
            f"View and accept the invitation: {link}",
            "",
            f"The link is only for you, works once, and expires in {days} days.",
            "If you do not know what this is about, you can ignore this mail.",
            "",
        )
    )


def _parsed(text: str) -> ParsedToken:
    """Raises `NotFound` for what is no link of an invitation."""
    try:
        return parse_token(text, Prefix.INVITATION)
    except Unauthenticated:
        raise NotFound("invitation") from None
