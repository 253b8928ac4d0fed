"""Settings: the PSAs that the account is connected to."""

from typing import Any, Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId
from flowpilot_core.domain.sessions.session import SYSTEMS
from flowpilot_http.pages.moves import Move, Moves, Shown, form_of
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page
from flowpilot_http.schemas.psa import ConnectionOut, TestOut

move: Final = Moves()
CREDENTIALS: Final = (
    (
        "connectwise",
        (("company_id", "Company id"), ("public_key", "Public key"), ("private_key", "Private key"), ("client_id", "Client id")),
    ),
    ("halopsa", (("client_id", "Client id"), ("client_secret", "Client secret"), ("tenant", "Tenant"))),
    ("autotask", (("username", "User name"), ("secret", "Secret"), ("integration_code", "Integration code"))),
)
"""What opens each system, and what that is called."""

Connect: Final[Any] = form_of(
    "Connect",
    ("system", str, ""),
    ("name", str, ""),
    ("base_url", str, ""),
    *((f"{system}_{name}", str, "") for system, names in CREDENTIALS for name, _ in names),
)
"""Which system, where it is, and what opens it."""


@move("connect", Connect)
async def connect_psa(request: Visit, person: Person, form: Any) -> None:
    """Credentials are kept sealed, and shown nowhere."""
    fields = dict(CREDENTIALS).get(form.system, ())
    credentials = {name: value for name, _ in fields if (value := getattr(form, f"{form.system}_{name}"))}
    psa = request.flowpilot.psa
    await request.do(
        form,
        lambda change: psa.connect(
            person, system=form.system, name=form.name, base_url=form.base_url, credentials=credentials, settings={}, request=change
        ),
    )


class Which(Move, kw_only=True, frozen=True):
    """Which one."""

    connection: UUID


@move("test", Which)
async def test_connection(request: Visit, person: Person, form: Which) -> Shown:
    """Whether notes could be posted now, and exactly what is wrong if not."""
    found = TestOut.of(await request.flowpilot.psa.test(person, PsaConnectionId(form.connection)))
    return {"tested": form.connection, "ok": found.ok, "hint": found.hint or None}


@move("remove", Which)
async def remove_connection(request: Visit, person: Person, form: Which) -> None:
    """With its credentials; the log of what was posted stays."""
    await request.do(form, lambda change: request.flowpilot.psa.remove(person, PsaConnectionId(form.connection), request=change))


async def _facts(request: Visit, person: Person) -> Shown:
    psa = request.flowpilot.psa
    return {
        "connections": [ConnectionOut.of(one, psa.notices(one)) for one in await psa.list(person)],
        "systems": list(SYSTEMS.items()),
        "credentials": CREDENTIALS,
    }


ROUTES = settings_page("connections", _facts, move)
