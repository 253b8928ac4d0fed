"""What a note on a ticket says, and how it looks there."""

import re
from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.domain.assistant.diagnosis import Cause, Confidence, Diagnosis, Statement
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import PsaPostId, TreeId
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.psa.connection import NoteKind
from flowpilot_core.domain.psa.note import (
    LONGEST_STEP,
    MOST_OF_ASSESSMENT,
    MOST_PARTS,
    MOST_STEPS,
    RENDERED,
    SAMPLE,
    TEMPLATES,
    Facts,
    checked_template,
    marker,
    parts,
    written,
)
from flowpilot_core.domain.psa.vendor import NoteFormat
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ANNA, MINUTE, NOON, Case, a_session, new_id
from tests.support.trees import action, outcome, question, tree

LINK = "https://flowpilot.example/handoffs/1"
POST = PsaPostId(UUID(int=7))


def note_of(case: Case, kind: NoteKind, *, diagnosis: Diagnosis | None = None) -> str:
    assessment = diagnosis.in_short(MOST_OF_ASSESSMENT) if diagnosis else ()
    handoff = case.handoffs[-1] if case.handoffs else None
    facts = Facts.of(case.session, handoff, case.steps, kind=kind, by="Anna", assessment=assessment, link=LINK)
    return written(TEMPLATES[kind], facts)


def shown(text: str, format: NoteFormat, longest: int = 10_000) -> tuple[str, ...]:
    return parts(text, format=format, longest=longest, post_id=POST, link=LINK)


def test_an_escalation_tells_why_what_was_tried_and_where_all_of_it_stands() -> None:
    case = (
        a_session(title="Printer offline", problem="It prints nothing.")
        .step("Swapped the cable")
        .step("Read the log", result=StepResult.INCONCLUSIVE)
        .step("Restarted the spooler", result=StepResult.WORKED)
        .step("Asked what happened", kind=StepKind.QUESTION, result=None)
        .escalated("Out of ideas", note="Ask for Petra")
    )
    diagnosis = Diagnosis(
        headline="The cable is not it.",
        likely_causes=(Cause(cause="The switch port", confidence=Confidence.MEDIUM),),
        next_steps=(Statement(text="Try another port"),),
    )

    note = note_of(case, NoteKind.ESCALATED, diagnosis=diagnosis)

    assert note == (
        "Anna is stuck and needs a colleague.\n\n"
        "Why: Out of ideas\nAsk for Petra\n\n"
        "Problem: Printer offline\nIt prints nothing.\n\n"
        "What failed:\n- Swapped the cable\n\n"
        "Also tried:\n- Read the log\n- Restarted the spooler\n\n"
        "Assessment: The cable is not it.\n- The switch port (medium)\n- Next: Try another port\n\n"
        f"Everything that was tried: {LINK}"
    )


def walked() -> Case:
    """Two nodes of a tree done, and left at the third."""
    content = tree(
        question("start", "log", "log", text="Does anybody print?"),
        action("log", "cable", text="Read the log"),
        action("cable", "end", text="Swap the cable"),
        outcome("end"),
    )
    printing = Tree.drafted(TreeId(new_id()), kind=TreeKind.TROUBLESHOOTING, name="Nobody can print", content=content, by=ANNA, at=NOON)
    case = a_session(title="Printer offline", problem="It prints nothing.").walking(printing, content).at_node(content, "answer 2")
    return case.at_node(content, result=StepResult.INCONCLUSIVE).walk_left("There is no cable")


PATH = "By the tree Nobody can print:\n- Does anybody print? answer 2\n- Read the log: inconclusive\n- left at “Swap the cable”"


def test_an_escalation_tells_what_was_done_of_the_tree_and_where_it_was_left() -> None:
    assert PATH in note_of(walked().escalated("Out of ideas"), NoteKind.ESCALATED).split("\n\n")


def test_an_escalation_tells_of_the_tree_as_it_was_then() -> None:
    case = walked().escalated("Out of ideas")
    earlier = evolve(case.handoff, escalated_at=case.steps[0].created_at - MINUTE)

    facts = Facts.of(case.session, earlier, case.steps, kind=NoteKind.ESCALATED, by="Anna", link=LINK)

    assert ((), None) == (facts.path, facts.tree)


def test_a_resolution_tells_what_was_done_of_the_tree() -> None:
    assert PATH in note_of(walked().resolved("It was off"), NoteKind.RESOLVED).split("\n\n")


def test_a_walk_in_which_nothing_was_done_yet_is_not_told() -> None:
    content = tree(action("start", "end"), outcome("end"))
    printing = Tree.drafted(TreeId(new_id()), kind=TreeKind.TROUBLESHOOTING, name="Nobody can print", content=content, by=ANNA, at=NOON)

    note = note_of(a_session().walking(printing, content).escalated("Out of ideas"), NoteKind.ESCALATED)

    assert "By the tree" not in note


def test_what_there_is_nothing_to_tell_of_is_left_out() -> None:
    note = note_of(a_session(title="Printer offline", problem="It prints nothing.").escalated("Out of ideas"), NoteKind.ESCALATED)

    assert note == (
        "Anna is stuck and needs a colleague.\n\n"
        "Why: Out of ideas\n\n"
        "Problem: Printer offline\nIt prints nothing.\n\n"
        f"Everything that was tried: {LINK}"
    )


def test_steps_that_came_after_an_escalation_are_none_of_its() -> None:
    case = a_session().step("before").escalated("stuck")
    later = case.withdrawn().step("after")

    assert "after" not in note_of(later, NoteKind.ESCALATED)


def test_a_resolution_tells_what_solved_it() -> None:
    note = note_of(a_session().step("Swapped the cable", result=StepResult.WORKED).resolved("New cable", "The dog"), NoteKind.RESOLVED)

    assert "Resolved by Anna: New cable\n\nRoot cause: The dog\n\nWhat worked:\n- Swapped the cable\n\n" in note


def test_long_steps_and_many_of_them_are_behind_the_link() -> None:
    case = a_session()
    for number in range(MOST_STEPS + 3):
        case = case.step(f"{number} " + "x" * 1_000)

    note = note_of(case.escalated("stuck"), NoteKind.ESCALATED)

    assert "- and 3 more" in note
    assert max(len(line) for line in note.splitlines()) <= LONGEST_STEP + len("- ")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_our_own_templates_name_what_there_is(kind: NoteKind) -> None:
    assert checked_template("template", TEMPLATES[kind])
    assert "{" not in written(TEMPLATES[kind], SAMPLE)


@pytest.mark.parametrize("template", ["", " ", "{nobody}", "{by.__class__}", "{}", "x" * 4_001])
def test_a_template_that_names_something_else_is_refused(template: str) -> None:
    with pytest.raises(InvalidValue):
        checked_template("template", template)


def test_a_line_without_anything_to_name_stands() -> None:
    facts = Facts(by="Anna", title="t", problem="p", priority="low", link=LINK)

    assert "Hello\n\n(kept) Anna" == written("Hello\n\n{note}\n\nNote: {note}\n(kept) {by}", facts)


@pytest.mark.parametrize("format", NoteFormat)
def test_a_note_that_fits_is_one_part_with_its_marker(format: NoteFormat) -> None:
    (part,) = shown("one\n\ntwo", format)

    assert marker(POST, 1) in part
    assert part.index("one") < part.index("two") < part.index(marker(POST, 1))


@pytest.mark.parametrize("format", NoteFormat)
def test_a_long_note_is_split_into_parts_that_fit_and_each_has_its_own_marker(format: NoteFormat) -> None:
    text = "\n\n".join(f"Paragraph {number}: " + "word " * 40 for number in range(12))

    found = shown(text, format, longest=700)

    assert len(found) > 1
    assert max(len(part) for part in found) <= 700
    assert [[marker(POST, number)] for number in range(1, len(found) + 1)] == [re.findall(r"FP-\w+-\d\d", part) for part in found]
    assert [f"({number}/{len(found)})" for number in range(1, len(found) + 1)] == [re.findall(r"\(\d+/\d+\)", part)[0] for part in found]
    assert [str(number) for number in range(12)] == re.findall(r"Paragraph (\d+)", "".join(found))


@pytest.mark.parametrize("format", NoteFormat)
def test_one_line_without_a_space_is_split_all_the_same_and_nothing_is_lost(format: NoteFormat) -> None:
    found = shown("<&" * 600, format, longest=500)

    assert 600 == "".join(found).count("&amp;" if format is NoteFormat.HTML else "&")
    assert max(len(part) for part in found) <= 500


@pytest.mark.parametrize("format", NoteFormat)
def test_a_note_without_end_ends(format: NoteFormat) -> None:
    assert MOST_PARTS == len(shown("word " * 100_000, format, longest=1_000))


def test_nothing_that_people_wrote_is_markup_in_html() -> None:
    """A40: no tag, no image, no link but our own."""
    (part,) = shown(f'<img src="https://evil.example/x.gif"> <a href="javascript:x">click</a>\n\nAll: {LINK}', NoteFormat.HTML)

    assert {"p", "/p", "small", "/small", f'a href="{LINK}"', "/a"} == set(re.findall(r"<([^>]*)>", part))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("![x](https://evil.example/x.gif)", "\\![x]\\(https://evil.example/x.gif)"),
        ("[click](https://evil.example)", "[click]\\(https://evil.example)"),
        ("[click]: https://evil.example", "\\[click]: https://evil.example"),
        ("<https://evil.example>", "\\<https://evil.example>"),
        ("# not a heading", "\\# not a heading"),
        ("> not a quotation", "\\> not a quotation"),
        ("1. not a list", "\\1. not a list"),
        ("a * b # c", "a * b # c"),
    ],
)
def test_nothing_that_people_wrote_is_a_link_or_a_heading_in_markdown(line: str, expected: str) -> None:
    """A40."""
    assert expected == RENDERED[NoteFormat.MARKDOWN].line(line, LINK)


def test_markers_are_the_same_at_every_attempt_and_none_is_the_beginning_of_another() -> None:
    markers = [marker(POST, number) for number in range(1, MOST_PARTS + 1)]

    assert markers == [marker(POST, number) for number in range(1, MOST_PARTS + 1)]
    assert not [one for one in markers for other in markers if one != other and other.startswith(one)]
