"""What the rules write of a resolved session, what never reaches a client, and how it leaves as a document."""

import re
from html.parser import HTMLParser

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.application.assistant.redaction import redact_by_rules
from flowpilot_core.domain.kernel.errors import InvalidTransition
from flowpilot_core.domain.kernel.identifiers import AccountId, OutputId, PsaConnectionId, PsaPostId, TreeId
from flowpilot_core.domain.kernel.name import printable
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.outputs.document import Block, Bullets, Heading, Paragraph, as_markdown, as_note, as_page, blocks_of, body_of
from flowpilot_core.domain.outputs.output import OUTPUT, Output, OutputKind, OutputMove, OutputState
from flowpilot_core.domain.outputs.write_up import SHORTEST_PRIVATE, SOLVED, by_rules, for_client, internal_texts
from flowpilot_core.domain.psa.connection import NoteKind
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.session import Resolution, Ticket
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ANNA, BEN, NOON, Case, a_session, new_id
from tests.support.trees import action, outcome, question, tree


def a_solved_case() -> Case:
    """A printer whose switch was broken, once the cable was ruled out."""
    return (
        a_session(title="Printer offline", problem="It prints nothing.", ticket=Ticket(system="halopsa", id="4711"))
        .step("swapped the cable")
        .fork("cable", "switch")
        .closed("cable", reason="a new one changes nothing")
        .step("moved it to another port", result=StepResult.WORKED)
        .step("Frau Meyer is cross with us", kind=StepKind.NOTE, result=None)
        .closed("switch", Outcome.SOLVED, "another port does")
        .resolved("The port was dead; it is on another one.", "a dead port")
    )


def written(kind: OutputKind, case: Case) -> str:
    return by_rules(kind, case.session, case.steps)


def test_a_note_for_the_ticket_says_what_solved_it_at_which_fork_and_what_was_ruled_out() -> None:
    assert (
        "## Problem\n\nPrinter offline\n\nIt prints nothing.\n\n"
        "## What solved it\n\nThe port was dead; it is on another one.\n\n"
        "The work split at step 1 (two ways to look at it); “switch” led to the solution.\n\n"
        "## Root cause\n\na dead port\n\n"
        "## What worked\n\n- moved it to another port\n\n"
        "## What was ruled out\n\n- cable: a new one changes nothing\n\n"
        "## What did not help\n\n- swapped the cable"
    ) == written(OutputKind.PSA_NOTE, a_solved_case())


def test_a_note_for_the_ticket_says_what_was_done_of_the_tree_and_a_client_hears_nothing_of_it() -> None:
    content = tree(
        question("start", "log", "log", text="Does anybody print?"), action("log", "end", text="Read the log"), outcome("end", text="Done")
    )
    printing = Tree.drafted(TreeId(new_id()), kind=TreeKind.TROUBLESHOOTING, name="Nobody can print", content=content, by=ANNA, at=NOON)
    walked = a_session().walking(printing, content).at_node(content, "answer 1").at_node(content, result=StepResult.WORKED)
    case = walked.resolved("It was off")

    told = "## By the tree Nobody can print\n\n- Does anybody print? answer 1\n- Read the log: worked"
    assert told in written(OutputKind.PSA_NOTE, case)
    assert "tree" not in written(OutputKind.CLIENT_SUMMARY, case)


def test_an_article_tells_colleagues_symptoms_cause_and_solution_and_names_nobody() -> None:
    article = written(OutputKind.KB_ARTICLE, a_solved_case())

    headings = [block.text for block in blocks_of(article) if isinstance(block, Heading)]
    assert ["Symptoms", "Cause", "Solution", "Steps that worked", "What it is not", "What does not help"] == headings
    assert not [name for name in ("Contoso", ANNA.name, "Meyer") if name in article]


def test_a_client_is_told_what_was_wrong_and_what_was_done_and_no_step() -> None:
    assert (
        "The problem “Printer offline” is solved.\n\n"
        "What was wrong: a dead port\n\n"
        "What we did: The port was dead; it is on another one.\n\n"
        "If it comes back, reply to this ticket, and we will pick up where we left off."
    ) == written(OutputKind.CLIENT_SUMMARY, a_solved_case())


@pytest.mark.parametrize("kind", OutputKind)
def test_the_same_case_is_told_in_the_same_words(kind: OutputKind) -> None:
    case = a_solved_case()

    assert written(kind, case) == written(kind, case)


@pytest.mark.parametrize("kind", OutputKind)
def test_what_was_solved_on_the_first_line_of_work_without_a_cause_is_told_too(kind: OutputKind) -> None:
    case = a_session().resolved("Rebooted it.", None)

    assert "Rebooted it." in written(kind, case)
    assert "None" not in written(kind, case)


def test_of_what_is_not_resolved_nothing_is_made() -> None:
    case = a_session()

    with pytest.raises(InvalidTransition):
        written(OutputKind.PSA_NOTE, case)
    with pytest.raises(InvalidTransition):
        Output.made(OutputId(new_id()), case.session, OutputKind.PSA_NOTE, "x", by=ANNA, at=NOON)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)
INTERNAL = TEXTS.filter(lambda text: len(_folded(text)) >= SHORTEST_PRIVATE)


@given(note=INTERNAL, before=TEXTS, after=TEXTS, where=st.sampled_from(["note", "evidence", "reason", "handoff note", "ticket"]))
def test_whatever_an_internal_note_says_no_client_reads_it(note: str, before: str, after: str, where: str) -> None:
    """Not even where somebody copied it into the resolution, or where it says what we would have said ourselves."""
    case = a_session(title=f"Case {before[:40]}")
    session, steps, handoffs = case.session, case.steps, case.handoffs
    if where in ("note", "evidence"):
        told = case.step(note if where == "note" else "see below", kind=StepKind.NOTE, result=None, evidence=note)
        session, steps = told.session, told.steps
    elif where == "ticket":
        session = evolve(session, ticket_facts={"notes": [{"text": note, "internal": True}, {"text": "public", "internal": False}]})
    else:
        handed = case.escalated(note if where == "reason" and note.strip() else "stuck", note=note)
        session, handoffs = handed.session, handed.handoffs
    session = evolve(session, resolution=Resolution(summary=f"{before} {note} {after}", root_cause=note))

    summary = for_client(by_rules(OutputKind.CLIENT_SUMMARY, session, steps), internal_texts(session, steps, handoffs))

    assert _folded(note) not in _folded(summary)
    assert summary.strip()


@given(note=INTERNAL)
def test_what_an_internal_note_says_changes_no_letter_of_what_a_client_reads(note: str) -> None:
    case = a_solved_case()
    noted = a_session(title="Printer offline", problem="It prints nothing.").step(note, kind=StepKind.NOTE, result=None)
    noted_session = evolve(noted.session, resolution=case.session.resolution)

    assert written(OutputKind.CLIENT_SUMMARY, case) == by_rules(OutputKind.CLIENT_SUMMARY, noted_session, noted.steps)


def test_a_paragraph_that_repeats_an_internal_note_is_left_out_whatever_its_capitals() -> None:
    assert "We are sorry." == for_client("We are sorry.\n\nThe cfo  is DIFFICULT, so", ["The CFO is difficult"])
    assert SOLVED == for_client("The CFO is difficult", ["The CFO is difficult"])


def test_an_edit_an_approval_and_a_post_are_one_way_through_its_states() -> None:
    session = a_solved_case().session
    made, _ = Output.made(OutputId(new_id()), session, OutputKind.PSA_NOTE, "One", by=ANNA, at=NOON)
    approved, _ = made.approved(session, by=BEN, at=NOON)
    posting, _ = approved.given_to_post(session, by=BEN, at=NOON)
    post = PsaPost(
        id=PsaPostId(new_id()),
        connection_id=PsaConnectionId(new_id()),
        session_id=session.id,
        ticket_id="4711",
        kind=NoteKind.OUTPUT,
        output_id=made.id,
        output_version=1,
        created_at=NOON,
        updated_at=NOON,
    ).taken(sent="One", at=NOON)

    dead = posting.settled(post.given_up("no", at=NOON), at=NOON)
    posted = dead.settled(post.posted("7", "201", at=NOON), at=NOON)
    again, _ = posted.edited(session, "Two", by=BEN, at=NOON)

    assert ["draft", "approved", "posting", "failed", "posted", "draft"] == [
        one.state for one in (made, approved, posting, dead, posted, again)
    ]
    assert posting == posting.settled(post, at=NOON), "it is on its way still"
    assert again == again.settled(post.posted("7", "201", at=NOON), at=NOON), "that was the version before"
    assert [None, "Two", None] == [made.approved_by, again.body, again.approved_by]


@pytest.mark.parametrize("state", OutputState)
@pytest.mark.parametrize("move", OutputMove)
def test_only_what_is_approved_is_posted_and_only_a_draft_is_approved(state: OutputState, move: OutputMove) -> None:
    allowed = (state, move) in OUTPUT

    if move is OutputMove.POST:
        assert (state is OutputState.APPROVED) is allowed
    if move is OutputMove.APPROVE:
        assert (state is OutputState.DRAFT) is allowed


def test_without_a_ticket_there_is_nowhere_to_post() -> None:
    session = a_session().resolved().session
    made, _ = Output.made(OutputId(new_id()), session, OutputKind.PSA_NOTE, "One", by=ANNA, at=NOON)
    approved, _ = made.approved(session, by=ANNA, at=NOON)

    with pytest.raises(InvalidTransition, match="without a ticket"):
        approved.given_to_post(session, by=ANNA, at=NOON)


BLOCKS: list[Block] = [Heading("Cause"), Paragraph("One\nTwo"), Bullets(("a", "b"))]


def test_what_people_edit_is_headings_paragraphs_and_lists() -> None:
    assert BLOCKS == list(blocks_of(body_of(BLOCKS)))
    assert BLOCKS == list(blocks_of("## Cause\r\nOne\r\nTwo\r\n- a\r\n- b\r\n"))
    assert "Cause:\n\nOne\nTwo\n\n- a\n- b" == as_note(body_of(BLOCKS))


HOSTILE = (
    "<script>alert(1)</script>",
    '<img src="https://evil.example/x.png" onerror=alert(1)>',
    "![x](https://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "https://evil.example/a www.evil.example mail@evil.example <https://evil.example>",
    "[x]: https://evil.example",
    "# a heading\n> a quote\n1. one\n---\n| a | b |",
    "&lt;b&gt; &#60;script&#62;",
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [name for name, _ in attrs if name in ("href", "src", "style") or name.startswith("on")]


@given(body=TEXTS | st.lists(st.sampled_from(HOSTILE), min_size=1).map("\n".join), title=TEXTS | st.sampled_from(HOSTILE))
def test_a_page_has_no_tag_of_others_and_leads_nowhere(body: str, title: str) -> None:
    tags = _Tags()
    tags.feed(as_page(title, body))

    assert set(tags.seen) <= {"html", "head", "meta", "title", "body", "h1", "h2", "p", "br", "ul", "li"}
    assert [] == tags.links


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_markdown_document_has_no_markup_of_others(hostile: str) -> None:
    document = as_markdown("Title", hostile)
    unescaped = re.compile(r"(?<!\\)(?:\\\\)*([<>\[\]`*_|#])")

    assert [] == [line for line in document.splitlines()[1:] if unescaped.search(line)]
    assert "://" not in document.replace("\\://", "")
    assert "](" not in document


@pytest.mark.anyio
async def test_rules_alone_take_secrets_out_too() -> None:
    clean = await redact_by_rules.cleaner(AccountId(new_id()), ["password: S3same!Open"], within=new_id())

    assert "the code is [password 000000]" == clean("the code is S3same!Open")


def _folded(text: str) -> str:
    """As people read it: what does not show is in no output."""
    return " ".join(printable(text).casefold().split())
