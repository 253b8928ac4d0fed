"""The whole product over a store, with the machine's own clock, ids and chance unless a test brings others."""

from typing import Any, Final, Protocol

from flowpilot_adapters.patterns import matches
from flowpilot_adapters.scripts.declared import declared_parameters
from flowpilot_adapters.scripts.reading import read_script
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.knowledge.parsing import Parsers
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View

PARSERS: Final = Parsers(matches=matches, read_script=read_script, declared=declared_parameters)


class Store(Protocol):
    """Whatever keeps all areas."""

    @property
    def begin(self) -> BeginWork[UnitOfWork]:
        """Its units of work."""

    @property
    def view(self) -> ViewOf[View]:
        """Its views."""


def a_product(store: Store, **options: Any) -> FlowPilot:
    """All use cases over `store`; `options` are those of `FlowPilot.of`, and may take the place of a port of it too."""
    ports = {
        "begin": store.begin,
        "view": store.view,
        "clock": SystemClock(),
        "new_id": new_id,
        "new_secret": new_secret,
        "parsers": PARSERS,
    }
    return FlowPilot.of(**{**ports, **options})
