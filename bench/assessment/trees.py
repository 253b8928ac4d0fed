"""Which tree of the first library leads to the cause of each scenario, and how often it is among the first that are offered."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from flowpilot_core.application.knowledge.library import Library
from flowpilot_core.domain.knowledge.fitting import about, fitting

from .cases import KnownCase

OFFERED: Final = 3
LEAST_OFFERED: Final = 0.8
"""The share of cases that must find their tree there, knowing title and problem alone."""

TREES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "No network on the second floor": "Computers get no network address",
        "Intranet does not open": "A name does not resolve",
        "Branch office offline since the new firewall": "A branch is offline: the site-to-site VPN tunnel is down",
        "Invoices bounce": "Sent mail bounces or lands in spam",
        "Someone gets no mail any more": "Mail does not arrive",
        "Outlook hangs when it opens": "Outlook hangs, does not start or does not connect",
        "User thrown out of everything every ten minutes": "An account locks out again and again",
        "Cannot sign in from home": "Sign-in to Microsoft 365 is refused",
        "File server refuses one workstation": "A workstation refuses domain users",
        "Nothing prints on the print server": "A printer prints nothing",
        "Labels come out as strange characters": "Prints come out wrong",
        "Backup fails since Friday": "A backup job fails",
        "Nightly backup of the mail server fails": "A backup job fails",
        "ERP will not save orders": "A program reports database errors or waits",
        "Time tracking crashes on start": "A business program does not start or crashes",
        "Printing fails on floor 3": "A printer prints nothing",
        "No mail from outside since the move": "Mail does not arrive",
        "One department cannot open the plans": "A share or folder cannot be opened",
        "Till 4 drops off the network every few minutes": "The network is slow or drops",
        "Warehouse scanners are slow": "The network is slow or drops",
        "Remote support tool does not connect any more": "A program or server cannot be reached over the network",
        "Some web pages hang over the new line": "The network is slow or drops",
        "Mail to one customer comes back": "Sent mail bounces or lands in spam",
        "Orders never reach the sales inbox": "Mail does not arrive",
        "Scan to mail stopped": "A scanner, copier or program cannot send mail",
        "Manager locked out after buying a new phone": "Sign-in to Microsoft 365 is refused",
        "Workstation says no to every domain user": "A workstation refuses domain users",
        "New colleague missing in the cloud address book": "A user or change does not appear in the cloud",
        "Printer offline after the router was replaced": "A printer prints nothing",
        "Copier stops after each page": "Prints come out wrong",
        "Backup of two hosts fails since the audit": "A backup job fails",
        "Backups take all night": "A backup job fails",
        "Accounting freezes at month end": "A program reports database errors or waits",
        "CAD does not start on any machine since noon": "A business program does not start or crashes",
        "Till software cannot talk to the back office": "A business program does not start or crashes",
        "Rendering takes twice as long on the new server": "A server or virtual machine is slow",
        "Conference room drops calls": "Wi-Fi drops or does not connect",
        "Orders take a minute to open": "A server or virtual machine is slow",
        "A restore test failed": "A backup job fails",
    }
)
"""By the first title of each scenario: the tree with a way to its cause."""


@frozen(kw_only=True)
class Offered:
    """Shares of cases whose tree was among the first three."""

    cases: int
    at_start: float
    """By title and problem alone."""
    with_steps: float
    """By what was done and seen, too."""


def offered(library: Library, cases: Iterable[KnownCase]) -> Offered:
    """How often the tree that leads to the cause is among the first three offered."""
    trees = [_Published(one.name, one.description, about(one.name, one.description, one.content)) for one in library.trees]

    def found(known: KnownCase, *seen: str | None) -> bool:
        session = known.case.session
        first = fitting(session.title, (session.problem, *seen), trees)[:OFFERED]
        return TREES[known.scenario.titles[0]] in {tree.name for tree, _ in first}

    known_cases = list(cases)
    count = max(1, len(known_cases))
    return Offered(
        cases=len(known_cases),
        at_start=sum(found(known) for known in known_cases) / count,
        with_steps=sum(found(known, *_said(known)) for known in known_cases) / count,
    )


def _said(known: KnownCase) -> Iterable[str | None]:
    for step in known.case.steps:
        yield step.content
        yield step.evidence


@frozen
class _Published:
    name: str
    description: str
    words: tuple[str, ...]
