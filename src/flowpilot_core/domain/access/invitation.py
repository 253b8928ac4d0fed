"""An invitation to join an account: mailed as a link that is good once and for a while."""

from datetime import datetime, timedelta

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import InvitationId, UserId
from flowpilot_core.domain.kernel.sending import DELIVERY, MOST_ATTEMPTS, DeliveryMove, DeliveryState
from flowpilot_core.domain.kernel.transitions import advance

LASTS = timedelta(days=7)
"""How long it can be accepted."""


@frozen(kw_only=True)
class Invitation:
    """The right to become somebody who is invited, and how far mailing it has got."""

    id: InvitationId
    user_id: UserId
    invited_by: UserId
    mail: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    last_error: str | None = None
    digests: tuple[bytes, ...] = ()
    """Of the secret in each link that was sent, or may have been: every try has one of its own, so that none is ever kept."""
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation_id: InvitationId, user_id: UserId, *, by: UserId, at: datetime) -> "Invitation":
        """One that begins now."""
        return cls(id=invitation_id, user_id=user_id, invited_by=by, created_at=at, expires_at=at + LASTS)

    def require_open(self, at: datetime) -> None:
        """Raises `NotFound` once it is over."""
        if at >= self.expires_at:
            raise NotFound("invitation")

    def taken(self, digest: bytes) -> "Invitation":
        """About to be mailed, once more, with a link whose secret has this digest."""
        return evolve(self._moved(DeliveryMove.TAKE), attempts=self.attempts + 1, digests=(*self.digests, digest))

    def sent(self) -> "Invitation":
        """Accepted by the mail server."""
        return evolve(self._moved(DeliveryMove.SEND), last_error=None)

    def failed(self, error: str, *, permanent: bool) -> "Invitation":
        """Not accepted: to be tried again, or dead where the refusal is permanent or it was tried often enough."""
        move = DeliveryMove.GIVE_UP if permanent or self.attempts >= MOST_ATTEMPTS else DeliveryMove.FAIL
        return evolve(self._moved(move), last_error=error)

    def given_up(self, problem: str) -> "Invitation":
        """Never to be tried again, for a reason that lies here and not with the mail server."""
        return evolve(self._moved(DeliveryMove.TAKE), last_error=problem)._moved(DeliveryMove.GIVE_UP)

    def _moved(self, move: DeliveryMove) -> "Invitation":
        return evolve(self, mail=advance(DELIVERY, self.mail, move, thing="invitation"))
