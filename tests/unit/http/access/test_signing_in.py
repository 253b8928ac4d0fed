"""API tokens: what is remembered of them, and for how long."""

import pytest

from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.testing.builders import ANNA
from flowpilot_http.auth.bearer import Bearer
from flowpilot_http.auth.credential_cache import REMEMBERED
from tests.support.http import World

pytestmark = pytest.mark.anyio


class _Door:
    """Lets Anna in by her token, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open = True
        self.time = 0.0
        self.bearer = Bearer(self.authenticate, monotonic=lambda: self.time)

    async def authenticate(self, token: str) -> Person:
        self.asked.append(token)
        if token != "annas" or not self.open:
            raise Unauthenticated
        return ANNA

    async def enter(self, value: bytes = b"Bearer annas") -> Person:
        return await self.bearer.person([(b"host", b"x"), (b"authorization", value)])


async def test_a_good_token_is_looked_up_once_a_second_at_most() -> None:
    door = _Door()

    first, second = await door.enter(), await door.enter(b"bearer  annas")
    door.time = REMEMBERED
    third = await door.enter()

    assert (ANNA, ANNA, ANNA) == (first, second, third)
    assert ["annas", "annas"] == door.asked


async def test_who_is_deactivated_is_out_within_a_second() -> None:
    door = _Door()
    await door.enter()
    door.open = False
    door.time = REMEMBERED

    with pytest.raises(Unauthenticated):
        await door.enter()


async def test_a_failure_is_never_remembered() -> None:
    door = _Door()
    door.open = False
    with pytest.raises(Unauthenticated):
        await door.enter()
    door.open = True

    assert ANNA == await door.enter()


@pytest.mark.parametrize(
    "value", [b"", b"annas", b"Bearer", b"Bearerannas", b"Basic annas", b"Bearer ann\xc3\xa4s", b"Bearer " + b"x" * 9000]
)
async def test_what_is_no_bearer_token_is_not_looked_up(value: bytes) -> None:
    door = _Door()

    with pytest.raises(Unauthenticated):
        await door.enter(value)
    assert [] == door.asked


async def test_two_authorizations_are_none() -> None:
    door = _Door()

    with pytest.raises(Unauthenticated):
        await door.bearer.person([(b"authorization", b"Bearer annas"), (b"authorization", b"Bearer annas")])


async def test_a_deactivated_person_writes_nothing_even_while_their_token_is_remembered(world: World) -> None:
    session = await world.junior.session()
    user: User = world.junior.user
    await world.flowpilot.accounts.deactivate(world.junior.account_id, user.id)

    answer = await world.junior.post(f"/ai-sessions/{session['id']}/steps", {"kind": "note", "content": "x"})

    assert 401 == answer.status_code
    assert [] == (await world.senior.seen(f"/ai-sessions/{session['id']}"))["steps"]
