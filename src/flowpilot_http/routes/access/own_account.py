"""How your account works."""

from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.access.account import AccountOut, ChangeAccount
from flowpilot_http.schemas.kernel import Nothing

part = Part("Account")


@part.reads("/account", AccountOut)
async def get_account(request: Call) -> Body:
    """What your account is called and how it works."""
    await request.wanted(Nothing)
    return request.shown(AccountOut.of(await request.flowpilot.account.get(request.user)))


@part.mends("/account", AccountOut, body=ChangeAccount)
async def change_account(request: Call) -> Body:
    """Change how your account is called and works; what is left out stays."""
    new = await request.read(ChangeAccount)
    return await request.changed(
        lambda change: request.flowpilot.account.change(
            request.user,
            redacts_personal=new.redacts_personal,
            mails_a_minute=new.mails_a_minute,
            time_zone=new.time_zone,
            request=change,
        ),
        AccountOut.of,
    )


ROUTES = (
    get_account,
    change_account,
)
