"""Where people see a ticket, as far as the address of a connection tells."""

from types import ModuleType

import pytest

from flowpilot_adapters.psa import autotask, connectwise, halopsa

CONNECTWISE = "/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid=48230"
AUTOTASK = "/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&"


@pytest.mark.parametrize(
    ("vendor", "base_url", "ticket_id", "page"),
    [
        (connectwise, "https://eu.myconnectwise.net", "48230", f"https://eu.myconnectwise.net{CONNECTWISE}"),
        (connectwise, "https://api-eu.myconnectwise.net/", "48230", f"https://eu.myconnectwise.net{CONNECTWISE}"),
        (connectwise, "https://psa.acme.example", "48230", f"https://psa.acme.example{CONNECTWISE}"),
        (halopsa, "https://acme.halopsa.com/", "48213", "https://acme.halopsa.com/ticket?id=48213"),
        (halopsa, "https://acme.halopsa.com", "1&x=2/..", "https://acme.halopsa.com/ticket?id=1%26x%3D2%2F.."),
        (autotask, "https://webservices14.autotask.net", "7001", f"https://ww14.autotask.net{AUTOTASK}TicketID=7001"),
        (autotask, "https://ww3.autotask.net", "T20261130.0007", f"https://ww3.autotask.net{AUTOTASK}TicketNumber=T20261130.0007"),
        (autotask, "https://webservices.autotask.net", "7001", None),
        (autotask, "https://webservices14.autotask.net.evil.example", "7001", None),
    ],
)
def test_a_ticket_has_the_page_that_its_vendor_shows_it_on(vendor: ModuleType, base_url: str, ticket_id: str, page: str | None) -> None:
    assert page == vendor.VENDOR.ticket_page(base_url, ticket_id)
