"""What nobody signs in for: whether there is any here, and how often one address is answered."""

import math
import time
from collections.abc import Callable

from flowpilot_core.application.kernel.counting import TalliesHere
from flowpilot_core.domain.kernel.errors import NotFound, TooManyLooks
from flowpilot_core.domain.kernel.rate_limit import OPEN_FROM_ADDRESS
from flowpilot_core.ports.kernel import Tallies

from .auth.attempts import Scope, source
from .auth.limiter import Limiter


class OpenReads:
    """Lets in who only wants to see what is everybody's."""

    def __init__(self, *, allowed: bool, tallies: Tallies | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._addresses = Limiter(OPEN_FROM_ADDRESS, TalliesHere() if tallies is None else tallies, monotonic=monotonic)

    def require(self, scope: Scope) -> None:
        """Counts a request. Raises `NotFound` where nothing is shown here, and `TooManyLooks`."""
        if not self._allowed:
            raise NotFound("gallery")
        address = source(scope)
        if wait := self._addresses.wait(address):
            raise TooManyLooks(retry_after=math.ceil(wait))
        self._addresses.count(address)
