"""The pages that sign people in and out."""

import re
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Meta

from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_http.auth.attempts import account_named
from flowpilot_http.pages.page_request import HOME, Form, OfAccount, Visit, here, shows, sign_in_path, takes
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Closed

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

USED_UP = "It has already been used, or is more than 15 minutes old. Ask for a new one."

NOT_VOUCHED_FOR = (
    "Your identity provider could not confirm that you belong to this account, or the sign-in took too long or began in another browser. "
    "Try again. If that fails, ask an admin of your account whether it has the same e-mail address for you as your provider."
)


NO_GOOD = (
    "That code did not work. It may be mistyped, more than ten minutes old or already used, or it was requested in another browser. After "
    "too many tries a code stops working."
)


class SignInWanted(Closed, kw_only=True, frozen=True):
    """Which way a browser was going."""

    next: Annotated[str, Meta(description="Where to go once signed in: a path of this server.")] = HOME


class AccountWanted(SignInWanted, kw_only=True, frozen=True):
    """Which account somebody says they belong to."""

    account: Annotated[str, Meta(description="Its id, or the address of its sign-in page.")] = ""


@shows("/sign-in")
async def which_account(request: Visit) -> Body:
    """Which account to sign in to, where neither the browser nor the link knows."""
    wanted = await request.wanted(AccountWanted)
    named = _ID.search(wanted.account)
    account_id = AccountId(UUID(named[0])) if named else None if wanted.account else request.visitor.account_id
    if account_id:
        return request.see(sign_in_path(account_id, here(wanted.next)))
    return request.page("which_account.html", *request.back_to(wanted.next), back_to=here(wanted.next), mistaken=bool(wanted.account))


@shows("/")
async def home(request: Visit) -> Body:
    """To where people begin."""
    wanted = await request.wanted(OfAccount)
    person = request.person_for(wanted.account)
    return request.see("/queue" if permits(person, Permission.CLAIM, ()) else "/work")


@shows("/sign-in/{account_id:str}")
async def sign_in_page(request: Visit) -> Body:
    """How to sign in to an account. It says the same of every account that says nothing of itself, whether or not there is one."""
    account_id = request.account_id
    wanted = await request.wanted(SignInWanted)
    if request.visitor.person and request.visitor.person.account_id == account_id:
        return request.see(here(wanted.next))
    providers = await request.flowpilot.identities.offered(account_id)
    ways = [
        {"name": one.name, "path": f"/sign-in/{account_id}/with/{one.id}?{urlencode({'next': here(wanted.next)})}"} for one in providers
    ]
    return await request.at_door(account_id, "sign_in.html", *request.back_to(wanted.next), ways=ways)


class CodeWanted(Form, kw_only=True, frozen=True):
    """Who says that they want to sign in."""

    email: str


class Code(Form, kw_only=True, frozen=True):
    """What somebody typed."""

    code: str


@takes("/sign-in/{account_id:str}")
async def ask_for_code(request: Visit) -> Body:
    """Have a code mailed. The answer is the same whether or not the address, or the account, is anybody's."""
    account_id = request.account_id
    wanted = await request.wanted(SignInWanted)
    form = await request.sent(CodeWanted)
    request.count_attempt()
    kept = await request.flowpilot.sign_in_codes.ask(account_id, form.email, back_to=here(wanted.next))
    return request.asked(kept, f"/sign-in/{account_id}/code")


@shows("/sign-in/{account_id:str}/code")
async def code_page(request: Visit) -> Body:
    """Where the code is typed."""
    return await request.at_door(request.account_id, "sign_in_code.html", account_id=request.account_id, problem=None)


@takes("/sign-in/{account_id:str}/code")
async def sign_in_by_code(request: Visit) -> Body:
    """Sign in whom the code was mailed to."""
    account_id = request.account_id
    form = await request.sent(Code)
    codes = request.flowpilot.sign_in_codes
    try:
        with request.trying(request.code):
            signed_in, back_to = await codes.by_code(request.code, form.code, account_id=account_id, instead_of=request.visitor.kept)
    except Unauthenticated:
        return await request.at_door(account_id, "sign_in_code.html", status=401, account_id=account_id, problem=NO_GOOD)
    return request.signed_in(signed_in, back_to)


@shows("/sign-in/{account_id:str}/with/{provider_id:str}")
async def set_out(request: Visit) -> Body:
    """To the account's identity provider."""
    wanted = await request.wanted(SignInWanted)
    back_to = here(wanted.next)
    away = await request.flowpilot.identities.set_out(
        request.account_id, request.provider_id, redirect_uri=request.callback, back_to=back_to
    )
    return request.set_out(away)


@shows("/sign-in/{account_id:str}/callback")
async def arrive(request: Visit) -> Body:
    """Back from the identity provider: with a code, or with the news that there is none."""
    account_id, query = request.account_id, request.query_params
    try:
        with request.trying(request.attempt):
            signed_in, back_to = await request.flowpilot.identities.arrive(
                request.attempt,
                account_id=account_id,
                state=query.get("state", ""),
                code=query.get("code", ""),
                issuer=query.get("iss"),
                redirect_uri=request.callback,
            )
    except Unauthenticated:
        return request.page("problem.html", status=401, title="You are not signed in", detail=NOT_VOUCHED_FOR)
    return request.signed_in(signed_in, back_to)


@shows("/sign-in-link/{link:str}")
async def sign_in_link_page(request: Visit) -> Body:
    """A button: whoever only looks at the link, as scanners of mails do, has not used it up."""
    wanted = await request.wanted(SignInWanted)
    account_id = account_named(str(request.scope["path_params"]["link"]))
    return await request.at_door(account_id, "sign_in_link.html", *request.back_to(wanted.next))


@takes("/sign-in-link/{link:str}")
async def sign_in_by_link(request: Visit) -> Body:
    """Sign in whom the link is for."""
    await request.sent(Form)
    link = request.scope["path_params"]["link"]
    try:
        with request.trying(link):
            signed_in = await request.flowpilot.signing_in.by_link(link, instead_of=request.visitor.kept)
    except Unauthenticated:
        return request.page("problem.html", status=401, title="This link is no longer valid", detail=USED_UP)
    return request.signed_in(signed_in, request.going)


@shows(HOME)
async def signed_in_page(request: Visit) -> Body:
    """Who is signed in with this browser."""
    return request.page("signed_in.html", who=request.user)


@takes("/sign-out")
async def sign_out(request: Visit) -> Body:
    """Sign this browser out."""
    await request.sent(Form)
    return await request.signed_out()


@shows("/signed-out")
async def signed_out_page(request: Visit) -> Body:
    """Nobody is signed in with this browser."""
    return request.page("signed_out.html")


ROUTES = (
    home,
    which_account,
    sign_in_page,
    ask_for_code,
    code_page,
    sign_in_by_code,
    sign_in_link_page,
    sign_in_by_link,
    set_out,
    arrive,
    signed_in_page,
    sign_out,
    signed_out_page,
)
