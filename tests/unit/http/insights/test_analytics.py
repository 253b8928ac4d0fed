"""Figures over HTTP: JSON with what each counts, CSV that a spreadsheet takes for nothing else, and refusals."""

import csv
import io

import pytest

from tests.support.http import World

ADAPTERS = ("memory", "postgres")

pytestmark = pytest.mark.anyio
OF = ("escalations", "work")


async def test_an_answer_says_what_it_is_about_and_what_every_figure_counts(world: World) -> None:
    await world.junior.escalation_of(client_name="Contoso")

    found = await world.viewer.seen("/analytics/escalations?group_by=client&time_zone=Europe/Vienna")

    assert {"from", "to", "time_zone", "definitions", "total", "groups", "made_at"} == found.keys()
    assert "Europe/Vienna" == found["time_zone"]
    assert found["definitions"].keys() == found["total"].keys()
    (group,) = found["groups"]
    assert ("Contoso", "Contoso", 1, 1, 1.0) == tuple(group[name] for name in ("key", "label", "escalations", "waiting", "escalation_rate"))
    assert {"count": 0, "median": None, "p90": None, "mean": None, "max": None} == group["time_to_claim"]
    assert {"right": 0, "late": 0, "avoidable": 0, "none": 0} == group["verdicts"]


@pytest.mark.parametrize("of", OF)
async def test_csv_has_the_same_figures_and_one_row_a_group(world: World, of: str) -> None:
    for client in ("Contoso", "Fabrikam"):
        await world.junior.escalation_of(client_name=client)
    shown = await world.viewer.seen(f"/analytics/{of}?group_by=client")

    answer = await world.viewer.client.get(f"/analytics/{of}?group_by=client&format=csv")

    assert "text/csv; charset=utf-8" == answer.headers["content-type"]
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{of}-')
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert ["Contoso", "Fabrikam"] == [row["key"] for row in rows]
    assert [str(one["time_to_resolve"]["count"]) for one in shown["groups"]] == [row["time_to_resolve_count"] for row in rows]
    if of == "escalations":
        assert ["1", "1"] == [row["escalations"] for row in rows]
        assert ["", ""] == [row["time_to_claim_median"] for row in rows]
        assert ["0", "0"] == [row["verdicts_none"] for row in rows]


async def test_csv_without_groups_is_one_row_in_all(world: World) -> None:
    answer = await world.viewer.client.get("/analytics/escalations?format=csv")

    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert ("0", "", "0") == (row["escalations"], row["escalation_rate"], row["time_to_claim_count"])
    assert "key" not in row


async def test_gaps_are_rows_of_a_csv_too(world: World) -> None:
    for _ in range(2):
        # Words that no tree of the platform has, of which other tests have left some.
        escalation = await world.junior.escalation_of(title="=Gribble florps", problem="?")
    shown = await world.viewer.seen("/analytics/knowledge")

    answer = await world.viewer.client.get("/analytics/knowledge?format=csv&rows=gaps")

    (row,) = csv.DictReader(io.StringIO(answer.text))
    (gap,) = shown["gaps"]
    assert escalation["session_id"] == gap["example_id"]
    assert {"words": " ".join(gap["words"]), "sessions": "2", "escalated": "2", "example_id": gap["example_id"]} == row
    assert answer.headers["content-disposition"].startswith('attachment; filename="gaps-')


@pytest.mark.parametrize("asked", ["escalations?", "knowledge?group_by=tree&"])
async def test_what_has_no_gaps_has_no_csv_of_them(world: World, asked: str) -> None:
    refused = await world.viewer.client.get(f"/analytics/{asked}format=csv&rows=gaps")

    assert 422 == refused.status_code
    assert ["/rows"] == [error["pointer"] for error in refused.json()["errors"]]


async def test_who_was_told_is_counted_by_channel_and_state(world: World) -> None:
    await world.junior.escalation_of()

    shown = await world.viewer.seen("/analytics/deliveries?group_by=channel")
    answer = await world.viewer.client.get("/analytics/deliveries?group_by=channel&format=csv")

    (group,) = shown["groups"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert ("email", shown["total"]["told"]) == (group["key"], group["told"])
    assert {"email_pending"} == group["told"].keys()
    assert str(group["told"]["email_pending"]) == row["told_email_pending"]


async def test_what_a_client_is_called_is_no_formula_in_a_spreadsheet(world: World) -> None:
    """A63: the name of a client begins as a formula does."""
    await world.junior.escalation_of(client_name='=HYPERLINK("https://evil.example")')

    answer = await world.viewer.client.get("/analytics/escalations?group_by=client&format=csv")

    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert ('\'=HYPERLINK("https://evil.example")',) * 2 == (row["key"], row["label"])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=2026-03-02&to=2026-03-02", 422, "validation_failed"),
        ("time_zone=Europe/Wien", 422, "validation_failed"),
        ("group_by=moon", 422, "validation_failed"),
        ("group_by=assignee", 422, "validation_failed"),
        ("format=xlsx", 422, "validation_failed"),
        ("from=2026-3-2", 400, "malformed"),
        ("since=2026-03-02", 400, "unknown_field"),
    ],
)
async def test_what_cannot_be_asked_is_refused(world: World, query: str, status: int, code: str) -> None:
    answer = await world.owner.client.get(f"/analytics/escalations?{query}")

    assert (status, code) == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("group_by", ["escalator", "claimer"])
async def test_figures_of_each_person_are_refused_to_engineers_and_viewers(world: World, group_by: str) -> None:
    await world.junior.escalation_of()

    for reader, status in ((world.owner, 200), (world.admin, 200), (world.senior, 403), (world.viewer, 403)):
        answer = await reader.client.get(f"/analytics/escalations?group_by={group_by}")
        assert status == answer.status_code
    assert "role_forbidden" == answer.json()["code"]


async def test_more_groups_than_one_answer_may_have_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowpilot_core.application.insights.analytics.MOST_GROUPS", 1)
    for client in ("Contoso", "Fabrikam"):
        await world.junior.escalation_of(client_name=client)

    for query in ("group_by=client", "group_by=client&format=csv"):
        answer = await world.viewer.client.get(f"/analytics/escalations?{query}")
        assert (422, "too_many_groups") == (answer.status_code, answer.json()["code"])
    assert 1 == len((await world.viewer.seen("/analytics/escalations?group_by=team"))["groups"])


async def test_what_escalates_again_without_a_tree_is_a_gap(world: World) -> None:
    # Words that no tree of the platform has, of which other tests have left some.
    for title in ("Flumox bandril kesp", "Bandril of the flumox is kesp"):
        await world.junior.escalation_of(title=title, problem="?")

    found = await world.viewer.seen("/analytics/knowledge")
    by_tree = await world.viewer.seen("/analytics/knowledge?group_by=tree")

    (gap,) = found["gaps"]
    assert ({"flumox", "bandril", "kesp"}, 2, 2) == (set(gap["words"]), gap["sessions"], gap["escalated"])
    assert gap["example_id"] in {one["id"] for one in (await world.viewer.seen("/ai-sessions"))["items"]}
    assert "gaps" not in by_tree


@pytest.mark.parametrize("of", ["psa", "assistant", "knowledge"])
async def test_what_was_never_done_is_nought_in_json_and_in_csv(world: World, of: str) -> None:
    shown = await world.owner.seen(f"/analytics/{of}")
    answer = await world.owner.client.get(f"/analytics/{of}?format=csv")

    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert shown["definitions"].keys() == shown["total"].keys()
    assert [] == shown["groups"]
    assert {"", "0", "0.0"} >= set(row.values())
