"""Signing in by a code: asked for with a browser, mailed after the commit, and typed into that browser."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.relay.leases import drop
from flowpilot_core.application.relay.sending import hand_over
from flowpilot_core.domain.access.account import User, checked_email
from flowpilot_core.domain.access.sign_in_code import LASTS, MOST_MAILS, SignInCode
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId, SignInCodeId
from flowpilot_core.domain.kernel.secret_text import Prefix, code_text, parse_token, token_digest, token_text
from flowpilot_core.domain.kernel.sending import delay
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import BeginWork, Clock, Jitter, NewSecret
from flowpilot_core.ports.notifications import Message, Notifier, NotSent
from flowpilot_core.ports.relay import Lease, RelayWork, Work, WorkKind

from .sign_ins import SignedIn, SigningIn


class SignInCodesNeeds(AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.sign_in_codes")


@frozen(kw_only=True)
class SignInCodes:
    """For an account without an identity provider. One that has some leaves it to them: everything raises `NotFound` there.

    Asking is the same work whosever the address is, and whether or not there is such an account: nobody looks before the mail is sent.
    """

    begin: BeginWork[SignInCodesNeeds]
    signing_in: SigningIn
    committed: Callable[[AccountId], None]

    async def ask(self, account_id: AccountId, email: str, *, back_to: str) -> str:
        """Have a code mailed, if the address is somebody's; the text that the browser is to keep. Raises `InvalidValue`."""
        secret, at = self.signing_in.new_secret(), self.signing_in.clock.now()
        code = SignInCode.asked(
            SignInCodeId(self.signing_in.new_id()), browser=token_digest(secret), email=checked_email(email.strip()), back_to=back_to, at=at
        )
        async with self.begin(account_id) as work:
            await _require_no_provider(work)
            if await work.sign_in_codes.ask(code):
                await work.due.add(Work(id=code.id, kind=WorkKind.SIGN_IN_CODE, due_at=at))
            await work.commit()
        self.committed(account_id)
        return token_text(account_id, secret, Prefix.CODE)

    async def by_code(self, kept: str, typed: str, *, account_id: AccountId, instead_of: str | None) -> tuple[SignedIn, str]:
        """Sign in whom the code was mailed to, in the browser that asked; and where it was going.

        Raises `Unauthenticated` where it is another browser or code, the second time, too late, or after too many tries.
        """
        parsed = parse_token(kept, Prefix.CODE)
        if parsed.account_id != account_id:
            raise Unauthenticated
        at = self.signing_in.clock.now()
        async with self.begin(account_id) as work:
            await _require_no_provider(work)
            code = await work.sign_in_codes.hold(parsed.digest)
            if not code.is_good(at):
                raise Unauthenticated
            try:
                code.require(typed)
            except Unauthenticated:
                await work.sign_in_codes.save(code.mistyped())
                await work.commit()
                raise
            user_id = await work.sign_in_codes.addressee(code)
            if user_id is None:
                raise Unauthenticated
            signed_in = await self.signing_in.signed_in(work, account_id, user_id, WayIn(way=Way.CODE))
            await work.sign_in_codes.save(code.used(at))
            await work.commit()
        await self.signing_in.out(instead_of)
        return signed_in, code.back_to


@frozen(kw_only=True)
class SendSignInCode:
    """Mails one code, if the address is somebody's: take, send, settle. It is made for the try, and never kept."""

    begin: BeginWork[SignInCodesNeeds]
    notifier: Notifier
    clock: Clock
    jitter: Jitter
    new_secret: NewSecret
    mail_domain: str
    """What stands behind the `@` of message ids."""

    async def do(self, lease: Lease) -> None:
        """Mail what the lease is for, if it is still wanted."""
        message = await self._take(lease)
        if message is None:
            return
        said = await hand_over(self.notifier, message, log)
        problem = said if isinstance(said, NotSent) else None
        async with self.begin(lease.account_id) as work:
            if problem is None or problem.permanent:
                await work.due.finish(lease)
            else:
                await work.due.postpone(lease, seconds=delay(lease.takes, self.jitter()) / timedelta(seconds=1))
            await work.commit()
        outcome = "sent" if problem is None else "refused" if problem.permanent else "to be tried again"
        facts = {"code_id": str(lease.work_id), "outcome": outcome, "problem": problem.logged if problem else None}
        log.info("sign-in code attempt", extra=facts)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It will not be mailed; whoever waits for it asks again."""
        await drop(self.begin, lease)

    async def _take(self, lease: Lease) -> Message | None:
        plain = code_text(self.new_secret())
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            wanted = await self._wanted(work, SignInCodeId(lease.work_id))
            if wanted is None:
                await work.due.finish(lease)
                await work.commit()
                return None
            code, user = wanted
            account, branding = await work.people.account(), await work.branding.get()
            await work.sign_in_codes.save(code.mailed(plain))
            await work.commit()
        name = branding.name(account.name)
        return Message(
            message_id=f"<{code.id}.{len(code.digests) + 1}@{self.mail_domain}>",
            to=user.email,
            to_name=user.name,
            account_name=branding.sender(account.name),
            subject=f"Sign in to {name}",
            text=body(user, name, plain),
        )

    async def _wanted(self, work: SignInCodesNeeds, code_id: SignInCodeId) -> tuple[SignInCode, User] | None:
        """The code, and who is to have it; None where it is over, or nobody's."""
        try:
            code = await work.sign_in_codes.get(code_id)
        except NotFound:
            return None
        user_id = await work.sign_in_codes.addressee(code)
        if user_id is None or not code.is_good(self.clock.now()) or len(code.digests) >= MOST_MAILS:
            return None
        user, account = await work.people.user(user_id), await work.people.account()
        return None if user.deactivated_at is not None or account.closed_at is not None else (code, user)


def body(user: User, account: str, code: str) -> str:
    """What somebody needs to type, and to know before they do."""
    return "\n".join(
        (
            f"Hello {user.name},",
            "",
            f"This is your code to sign in to {account} on FlowPilot:",
            "",
            f"    {code}",
            "",
            f"Enter it on the page that asked for it. It works once, on that page only, for {LASTS // timedelta(minutes=1)} minutes.",
            "Do not share it with anybody. If you did not ask for it, you can ignore this mail.",
            "",
        )
    )


async def _require_no_provider(work: SignInCodesNeeds) -> None:
    """Raises `NotFound` where the account trusts somebody else to say who people are: a mailbox is not to get around them."""
    if await work.identities.all():
        raise NotFound("sign-in option")
