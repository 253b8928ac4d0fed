"""Settings: how the account works."""

from typing import Final

from flowpilot_core.domain.access.account import MOST_MAILS_A_MINUTE, Account
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page, shown_as

move: Final = Moves()


class Change(Move, kw_only=True, frozen=True):
    """What leaves FlowPilot, and how much of it."""

    redacts_personal: bool = False
    mails_a_minute: int | None = None
    time_zone: str | None = None
    shown: str = ""


@move("change", Change)
async def change_account(request: Visit, person: Person, form: Change) -> Shown | None:
    """From now on; unless somebody else has changed it meanwhile."""
    account = request.flowpilot.account
    now = await account.get(person)
    wanted = [form.redacts_personal, form.mails_a_minute, form.time_zone or now.time_zone]
    if form.shown not in ("", shown_as(_set(now))) and wanted != _set(now):
        return {"stale": True, "wanted": form}
    await request.do(
        form,
        lambda change: account.change(
            person,
            redacts_personal=form.redacts_personal,
            mails_a_minute=form.mails_a_minute,
            time_zone=form.time_zone or None,
            request=change,
        ),
    )
    return None


def _set(account: Account) -> list[object]:
    return [account.redacts_personal, account.mails_a_minute, account.time_zone]


async def _facts(request: Visit, person: Person) -> Shown:
    account = await request.flowpilot.account.get(person)
    return {
        "account": account,
        "shown_as": shown_as(_set(account)),
        "may_set": permits(person, Permission.SET_ACCOUNT, ()),
        "most_mails": MOST_MAILS_A_MINUTE,
    }


ROUTES = settings_page("account", _facts, move)
