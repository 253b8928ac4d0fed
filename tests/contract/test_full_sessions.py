"""Whatever a session within its bounds holds, every read of it ends within its budget and holds no loop (A58)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpilot_adapters.computing import WorkerProcesses
from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock
from flowpilot_core.application.assistant.rules_assistant import RulesAssistant
from flowpilot_core.application.handoffs.current_snapshot import pictured
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, HandoffId, StepId
from flowpilot_core.domain.kernel.text import EVIDENCE, PROSE
from flowpilot_core.domain.outputs.output import OutputKind
from flowpilot_core.domain.sessions.bounds import BOUNDS
from flowpilot_core.domain.sessions.branch import Option
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepResult
from flowpilot_core.ports.assistant import Question
from flowpilot_core.testing.builders import Staff, a_session, a_staff, new_id
from flowpilot_core.testing.redaction import as_it_is
from flowpilot_http.responses import TURN, encode, encoded_in_turns
from flowpilot_http.schemas.sessions import SessionDetailOut
from tests.support.product import a_product

MOST_HELD: Final = 0.25
"""Seconds of the processor in one go, a good deal more than it takes: what was held was held for seconds."""
ATOMS = st.one_of(
    st.sampled_from(["a", "7", "Ab3", "\n", " ", "é", "restarted the driver, ", "0x80070005 ", "no DNS; ", "<br", "](", "a.b-"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6).filter(str.strip),
)


def _full(acme: Staff, atom: str, steps: int, forks: int, *, in_content: bool) -> tuple[Session, list[Step]]:
    """A session that holds as much as it may, or as much as so many steps can."""

    def over_and_over(most: int) -> str:
        return (atom * most)[: max(1, most // max(len(character.encode()) for character in atom))]

    room = BOUNDS.bytes // (2 * steps)
    content = over_and_over(min(PROSE, room)) if in_content else "Restarted it"
    content = content if content.strip() else "Restarted it"
    evidence = None if in_content else over_and_over(min(EVIDENCE, room))
    case = a_session(by=acme.anna).step(content, evidence=evidence)
    session, (first,) = case.session, case.steps
    hypothesis = over_and_over(min(PROSE, BOUNDS.bytes // (4 * max(1, 8 * forks))))
    for fork in range(forks):
        options = [
            (BranchId(new_id()), Option(label=f"{fork}{one}", hypothesis=hypothesis if hypothesis.strip() else "it")) for one in range(8)
        ]
        session, _, _ = session.forked(ForkPointId(new_id()), at_step=first, reason="Several", options=options, by=acme.anna, at=case.at)
    branches = [branch.id for branch in session.branches.all]
    results = [None, *StepResult]
    kept = [
        evolve(
            first,
            id=first.id if number == 1 else StepId(new_id()),
            number=number,
            branch_id=first.branch_id if number == 1 else branches[number % len(branches)],
            result=results[number % len(results)],
        )
        for number in range(1, steps + 1)
    ]
    return evolve(session, step_count=steps, text_bytes=BOUNDS.bytes), kept


@asynccontextmanager
async def _watched() -> AsyncIterator[list[float]]:
    """How much of the processor the loop has taken each time before it let others go on."""
    spent: list[float] = []

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            spent.append(time.thread_time() - before)

    watching = asyncio.create_task(watch())
    try:
        yield spent
    finally:
        watching.cancel()


async def _read(acme: Staff, session: Session, steps: list[Step]) -> float:
    """Read it in every way. Returns the most that the loop was held for."""
    store, compute = MemoryStore(clock=SystemClock(), new_token=new_id), WorkerProcesses()
    flowpilot = a_product(store, compute=compute, redact=as_it_is)
    await acme.kept(store.begin)
    async with store.begin(acme.account_id) as work:
        await work.sessions.add(session)
        for step in steps:
            await work.sessions.add_step(step)
        await work.commit()
    anna = acme.anna
    async with _watched() as spent:
        detail = await flowpilot.sessions.get(anna, session.id)
        await flowpilot.suggestions.ask(anna, session.id)
        await flowpilot.escalation.preview(anna, session.id)
        snapshot = await asyncio.to_thread(pictured, detail, "a test")
        question = Question(account_id=acme.account_id, handoff_id=HandoffId(new_id()), snapshot=snapshot)
        await RulesAssistant(compute).assess(question)
        await flowpilot.handoffs.hand_off(anna, session.id, intent=Intent.PARK, reason="For later")
        await flowpilot.sessions.resume(anna, session.id)
        await flowpilot.sessions.resolve(anna, session.id, summary="It was that")
        await flowpilot.outputs.make(anna, session.id, OutputKind.PSA_NOTE)
    return max(spent)


async def _answered(acme: Staff, session: Session, steps: list[Step]) -> tuple[bytes, bytes, int]:
    """The answer to whoever reads it, as it is made and as it would be in one go, and how often others had their turn meanwhile."""
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    flowpilot = a_product(store)
    await acme.kept(store.begin)
    async with store.begin(acme.account_id) as work:
        await work.sessions.add(session)
        for step in steps:
            await work.sessions.add_step(step)
        await work.commit()
    shown = SessionDetailOut.shown(await flowpilot.sessions.get(acme.anna, session.id))
    turns, ended = 0, False

    async def others() -> None:
        nonlocal turns
        while not ended:
            await asyncio.sleep(0)
            turns += 1

    going_on = asyncio.create_task(others())
    made = encode(msgspec.structs.replace(shown, steps=await encoded_in_turns(shown.steps)))
    ended = True
    await going_on
    return encode(shown), made, turns


@pytest.mark.timeout(300)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(atom=ATOMS, steps=st.sampled_from([1, 60, 400, BOUNDS.steps]), in_content=st.booleans())
def test_a_large_session_is_written_down_a_part_at_a_time_and_reads_the_same(atom: str, steps: int, in_content: bool) -> None:
    """P18."""
    acme = a_staff()
    session, kept = _full(acme, atom, steps, 0, in_content=in_content)

    in_one_go, made, turns = asyncio.run(_answered(acme, session, kept))

    largest = max(len(encode(step.content)) + len(encode(step.evidence)) for step in kept)
    assert in_one_go == made
    assert turns >= len(made) // (TURN + largest + 1_000) - 1


@pytest.mark.timeout(300)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    atom=ATOMS,
    steps=st.sampled_from([1, 60, 400, BOUNDS.steps]),
    forks=st.integers(0, (BOUNDS.branches - 1) // 8),
    in_content=st.booleans(),
)
def test_every_read_of_a_session_within_its_bounds_ends_and_holds_no_loop(atom: str, steps: int, forks: int, in_content: bool) -> None:
    acme = a_staff()
    session, kept = _full(acme, atom, steps, forks, in_content=in_content)

    assert MOST_HELD > asyncio.run(_read(acme, session, kept))
