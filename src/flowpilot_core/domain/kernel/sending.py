"""How far it is with whatever is sent, and how long the wait is between tries."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType


class DeliveryState(StrEnum):
    """How far a delivery is; `failed` will be tried again, `dead` will not. `delivered` is for channels that can say so."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


class DeliveryMove(StrEnum):
    """What can happen to a delivery."""

    TAKE = "take"
    SEND = "send"
    ARRIVE = "arrive"
    FAIL = "fail"
    GIVE_UP = "give_up"
    SUPPRESS = "suppress"
    RETRY = "retry"


DELIVERY: Mapping[tuple[DeliveryState, DeliveryMove], DeliveryState] = MappingProxyType(
    {
        (DeliveryState.PENDING, DeliveryMove.TAKE): DeliveryState.SENDING,
        (DeliveryState.FAILED, DeliveryMove.TAKE): DeliveryState.SENDING,
        (DeliveryState.SENDING, DeliveryMove.TAKE): DeliveryState.SENDING,
        (DeliveryState.PENDING, DeliveryMove.SUPPRESS): DeliveryState.SUPPRESSED,
        (DeliveryState.FAILED, DeliveryMove.SUPPRESS): DeliveryState.SUPPRESSED,
        (DeliveryState.SENDING, DeliveryMove.SUPPRESS): DeliveryState.SUPPRESSED,
        (DeliveryState.SENDING, DeliveryMove.SEND): DeliveryState.SENT,
        (DeliveryState.SENDING, DeliveryMove.ARRIVE): DeliveryState.DELIVERED,
        (DeliveryState.SENT, DeliveryMove.ARRIVE): DeliveryState.DELIVERED,
        (DeliveryState.SENDING, DeliveryMove.FAIL): DeliveryState.FAILED,
        (DeliveryState.SENDING, DeliveryMove.GIVE_UP): DeliveryState.DEAD,
        (DeliveryState.DEAD, DeliveryMove.RETRY): DeliveryState.PENDING,
    }
)


MOST_ATTEMPTS = 10


FIRST_DELAY = timedelta(seconds=2)


LONGEST_DELAY = timedelta(hours=1)


def delay(attempts: int, jitter: float) -> timedelta:
    """How long to wait after the `attempts`-th failure: exponential, with full jitter (`jitter` from 0 to 1).

    Full jitter spreads retries best: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * (1 << min(attempts, 30)))
    return ceiling * jitter
