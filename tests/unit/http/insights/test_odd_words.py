"""Whatever is pasted into a box of search or of a list is looked for, or refused as what it is."""

from urllib.parse import quote

import pytest

from tests.support.http import World

ADAPTERS = ("memory", "postgres")

pytestmark = pytest.mark.anyio

PASTED = (
    "'; DROP TABLE flowpilot.session; --",
    r"\\srv-01\share$\Ablage (alt)\[neu]",
    "Fehler 0x80070005 (E_ACCESSDENIED) \u2018Zugriff verweigert\u2019",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u202eretnirp \U0001f600 \U0001f5a8\ufe0f office",
    "100% _x_ a|b *.* ^$ {2}",
    "printer\x00 offline",
    "\ufb01le \uff21\uff22\uff23 Stra\u00dfe",
)


@pytest.mark.parametrize("pasted", PASTED)
async def test_what_is_pasted_finds_what_has_it(world: World, pasted: str) -> None:
    said = pasted.replace("\x00", "")
    await world.owner.made("/trees", {"name": "Other", "kind": "troubleshooting", "description": "something else"})
    tree = await world.owner.made("/trees", {"name": "Of it", "kind": "troubleshooting", "description": said})

    assert [tree["id"]] == [item["id"] for item in (await world.owner.seen(f"/trees?q={quote(pasted)}"))["items"]]


@pytest.mark.parametrize("where", ["search?q=printer&client=", "search?q=", "trees?q=", "script-templates?q=", "gallery?q="])
@pytest.mark.parametrize("pasted", [*PASTED, "\x00", '"', '-"', "-", "x " * 5_000, '"' * 900, "\U0001f600"])
async def test_whatever_is_pasted_is_answered_or_refused(world: World, where: str, pasted: str) -> None:
    answer = await world.owner.get(f"/{where}{quote(pasted)}")

    assert answer.status_code in {200, 422}, answer.text
