"""The rules: a diagnosis read off the structure of a case, the same for the same case, without asking anybody."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice, pairwise
from typing import Final

from flowpilot_core.domain.handoffs.case_file import CaseFile, FiledBranch, FiledStep
from flowpilot_core.domain.kernel.plain_text import plain_text
from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.step import StepKind, StepResult

from .causes import Suspect, suspects
from .diagnosis import MOST, Draft, Said
from .doings import InVain
from .evidence_marks import error_codes, hosts
from .similar_sessions import SimilarSession

VERSION: Final = "rules-2"
"""Changed with what the rules say."""

_MOST_CAUSES: Final = 5
_AT_FIRST: Final = 4_000
"""Characters of evidence in which it says that something is lost."""
_MOST_CUT: Final = 3
"""Steps that are named as read in part."""
_GAP: Final = timedelta(hours=4)
"""A longer pause between two steps was no work."""
_DANGEROUS: Final = re.compile(
    r"\b(?:format\w*|wip(?:e|ed|ing)|delet(?:e|ed|ing)|factory reset|reinstall\w*|"
    r"restor(?:e|ed|ing)|re-?imag\w*|truncat\w*|drop(?:ped)? (?:table|database)|"
    r"chkdsk /[frx]|force\w*)\b",
    re.IGNORECASE,
)
_BETWEEN_WORDS: Final = re.compile(r"\W+")
_LOSS: Final = re.compile(
    r"ransom|encrypted files|data loss|raid.{0,20}degraded|predictive failure|deleted by mistake|compromis|phish", re.IGNORECASE
)


def assess(file: CaseFile, similar: Sequence[SimilarSession] = ()) -> Draft:
    """What the rules make of a case."""
    vain = InVain.of(file.steps)
    lineup = suspects(file, similar, vain)[:_MOST_CAUSES]
    contradictions = _contradictions(file)
    return Draft(
        headline=_headline(file, lineup),
        summary=(_what_was_done(file), _what_is_seen(file), _where_it_stands(file, lineup, similar)),
        likely_causes=tuple(suspect.said() for suspect in lineup),
        ruled_out=tuple(islice(_ruled_out(file), MOST["ruled_out"])),
        next_steps=tuple(_next_steps(file, lineup, contradictions, vain)),
        questions=tuple(islice(_questions(file, contradictions), MOST["questions"])),
        risk=_risk(file),
    )


def time_spent(file: CaseFile) -> tuple[tuple[FiledBranch, timedelta], ...]:
    """How long was worked in each branch, longest first: a step counts from the one before it."""
    spent = {branch.id: timedelta() for branch in file.branches}
    for before, step in pairwise(file.steps):
        spent[step.branch_id] += min(step.at - before.at, _GAP)
    ordered = sorted(file.branches, key=lambda branch: -spent[branch.id])
    return tuple((branch, spent[branch.id]) for branch in ordered if spent[branch.id])


def _headline(file: CaseFile, lineup: Sequence[Suspect]) -> str:
    failed = sum(step.result is StepResult.FAILED for step in file.tries)
    tries = f"{failed} of {len(file.tries)} tries failed" if file.tries else "nothing tried yet"
    untested = [branch.label for branch in _untested(file)]
    if likeliest := _likeliest(lineup):
        return f"{_short(likeliest.cause)} ({likeliest.confidence}); {tries}"
    return f"{tries}; untested: {', '.join(untested)}" if untested else tries


def _likeliest(lineup: Sequence[Suspect]) -> Suspect | None:
    """What may stand over the case: nothing that was ruled out, or that all that was done speaks against."""
    return next((suspect for suspect in lineup if suspect.likely), None)


def _what_was_done(file: CaseFile) -> Said:
    if not file.tries:
        cites = tuple(step.id for step in file.steps)
        text = f"Nothing has been tried yet; {counted(len(file.steps), 'step is', 'steps are')} on record"
        return Said(text=f"{text}{_where_the_tree_was_left(file)}.", cites=cites)
    worked = [step for step in file.tries if step.result is StepResult.WORKED]
    failed = [step for step in file.tries if step.result is StepResult.FAILED]
    lines = counted(len(file.branches), "branch", "branches")
    text = f"{counted(len(file.tries), 'try', 'tries')} in {lines}: {len(worked)} worked, {len(failed)} failed"
    spent = time_spent(file)
    whole = sum((time for _, time in spent), timedelta())
    if whole >= timedelta(minutes=1):
        branch, most = spent[0]
        text += f"; most time ({_minutes(most)} of {_minutes(whole)}) went into {branch.name}"
    return Said(text=f"{text}{_where_the_tree_was_left(file)}.", cites=_ids(file.tries))


def _where_the_tree_was_left(file: CaseFile) -> str:
    if not file.left_at:
        return ""
    _, node = file.left_at[-1]
    return f"; the tree “{_short(file.tree or '', 80)}” was left at “{_short(node, 120)}”"


def _what_is_seen(file: CaseFile) -> Said:
    seen = _traces(file)
    cut = [step for step in file.steps if step.cut]
    if not cut:
        return seen
    which = f"step{'s' if len(cut) > 1 else ''} {_numbers(cut[:_MOST_CUT])}{' and others' if len(cut) > _MOST_CUT else ''}"
    return Said(text=f"{seen.text} Of {which} only the beginning was read.", cites=(*seen.cites, *_ids(cut[:_MOST_CUT])))


def _traces(file: CaseFile) -> Said:
    codes, machines = error_codes(file.steps), hosts(file.steps)
    parts, cites = [], []
    for label, traces in (("errors", codes), ("machines", machines)):
        named = [f"{trace} (step{'s' if len(steps) > 1 else ''} {_numbers(steps)})" for trace, steps in traces.items()][:3]
        if named:
            parts.append(f"{label}: {', '.join(named)}")
            cites += [step.id for steps in list(traces.values())[:3] for step in steps]
    if parts:
        return Said(text=f"The evidence names {'; '.join(parts)}.", cites=tuple(dict.fromkeys(cites)))
    shown = [step for step in file.steps if step.evidence or step.kind is StepKind.OBSERVATION]
    if shown:
        return Said(text=f"Last seen: {_short(shown[-1].evidence or shown[-1].content, 160)}.", cites=(shown[-1].id,))
    return Said(text="No step has evidence, so there is nothing to look up.", cites=_ids(file.steps[-1:]))


def _where_it_stands(file: CaseFile, lineup: Sequence[Suspect], similar: Sequence[SimilarSession]) -> Said:
    parts, cites = [], []
    if first := _likeliest(lineup):
        parts.append(f"Most likely: {_short(first.cause, 140)} ({first.confidence})")
        cites += list(first.steps_for)
        if first.solved_before:
            parts.append("as in a similar session that was solved")
    dead = [branch for branch in file.branches if branch.state is BranchState.DEAD_END]
    if dead:
        parts.append(f"ruled out so far: {', '.join(branch.name for branch in dead[:3])}")
        cites += [step_id for branch in dead[:3] for step_id in branch.cited]
    untested = _untested(file)
    if untested:
        parts.append(f"untested: {', '.join(branch.name for branch in untested[:3])}")
        cites += [step_id for branch in untested[:3] for step_id in branch.cited]
    if not parts:
        parts.append("Nothing on record points to a cause yet" + ("; similar sessions were solved before" if similar else ""))
    return Said(text=f"{'; '.join(parts)}.", cites=tuple(dict.fromkeys(cites)) or _ids(file.steps[-1:]))


def _ruled_out(file: CaseFile) -> Iterable[Said]:
    for branch in file.branches:
        if branch.state is BranchState.DEAD_END:
            why = f": {_short(branch.close_reason, 160)}" if branch.close_reason else ""
            yield Said(text=f"{branch.name} ({_short(branch.hypothesis or branch.label, 120)}) is a dead end{why}.", cites=branch.cited)


def _next_steps(
    file: CaseFile, lineup: Sequence[Suspect], contradictions: Sequence[tuple[FiledStep, FiledStep]], vain: InVain
) -> Iterable[Said]:
    for before, after in contradictions[:1]:
        yield Said(
            text=f"Compare steps {before.number} and {after.number}, which did the same: one {before.result}, the other {after.result}."
            " What differs between them (time, machine or person) is the clue; if nothing does, the fault comes and goes.",
            cites=(before.id, after.id),
        )
    for suspect in [suspect for suspect in lineup if not suspect.ruled_out][:3]:
        yield from _next_for(suspect, vain)
    for branch in _untested(file)[:2]:
        yield Said(
            text=f"Test {branch.name}, which nobody has tested yet: {_short(branch.hypothesis or '', 160)}."
            " A check that fails makes it likely; one that works rules it out.",
            cites=branch.cited,
        )


def _next_for(suspect: Suspect, vain: InVain) -> Iterable[Said]:
    """What would tell whether it is this."""
    branch = suspect.named_by
    cites = tuple(suspect.steps_for) or tuple(suspect.against) or (branch.cited if branch else ())
    if suspect.solved_before:
        solved = f"Try what solved “{_short(suspect.solved_before.title, 80)}”: {_short(suspect.solved_before.summary, 140)}"
        yield Said(text=f"{solved}; if it helps, the cause is the same; if not, it only looks similar.", cites=cites)
    check = f"{suspect.sign.check}: {suspect.sign.means}." if suspect.sign else ""
    if check and not vain.again(check):
        yield Said(text=check, cites=cites)
    elif branch and branch.state is BranchState.OPEN and branch.tries and suspect.likely:
        yield Said(
            text=f"Continue with {branch.name}, which step {branch.tries[-1].number} left open: {_short(branch.hypothesis or '', 160)}.",
            cites=branch.cited,
        )


def _questions(file: CaseFile, contradictions: Sequence[tuple[FiledStep, FiledStep]]) -> Iterable[Said]:
    for before, after in contradictions[:2]:
        yield Said(
            text=f"What changed between step {before.number}, which {before.result}, and step {after.number}, which {after.result}?",
            cites=(before.id, after.id),
        )
    for step in file.steps:
        if step.kind in (StepKind.ACTION, StepKind.SCRIPT) and step.result is None:
            yield Said(text=f"What came of step {step.number} ({_short(step.content, 100)})?", cites=(step.id,))
        elif step.result is StepResult.INCONCLUSIVE and not step.evidence:
            yield Said(text=f"What was seen in step {step.number} ({_short(step.content, 100)}), which was inconclusive?", cites=(step.id,))
        elif step.kind is StepKind.QUESTION and step.result is None and not step.evidence:
            yield Said(text=f"What was the answer to step {step.number} ({_short(step.content, 100)})?", cites=(step.id,))
    failed = [step for step in file.tries if step.result is StepResult.FAILED and not step.evidence]
    if failed:
        yield Said(
            text=f"How did step{'s' if len(failed) > 1 else ''} {_numbers(failed[-3:])} fail: what exactly was on the screen?",
            cites=_ids(failed[-3:]),
        )


def _risk(file: CaseFile) -> str | None:
    for step in file.steps:
        if found := _LOSS.search(f"{step.content}\n{step.evidence[:_AT_FIRST]}"):
            said = plain_text(found[0], most=60)
            return f"Step {step.number} mentions “{said}”: data may be at stake, so save what is there before anything is changed."
    for step in file.tries:
        if found := _DANGEROUS.search(step.content):
            did = plain_text(found[0], most=60)
            return f"Step {step.number} changed things that cannot simply be undone (“{did}”): check what it left behind."
    if found := _LOSS.search(f"{file.title}\n{file.problem}"):
        return f"The problem mentions “{plain_text(found[0], most=60)}”: data may be at stake."
    return None


def _contradictions(file: CaseFile) -> list[tuple[FiledStep, FiledStep]]:
    """Pairs of steps that did the same and came to opposite results."""
    last: dict[str, FiledStep] = {}
    pairs = []
    for step in file.tries:
        if step.result in (StepResult.WORKED, StepResult.FAILED):
            key = _BETWEEN_WORDS.sub(" ", step.content).casefold().strip()
            before = last.get(key)
            if before and before.result is not step.result:
                pairs.append((before, step))
            last[key] = step
    return pairs


def _untested(file: CaseFile) -> list[FiledBranch]:
    return [branch for branch in file.branches if branch.hypothesis and branch.state is BranchState.OPEN and not branch.tries]


def _ids(steps: Iterable[FiledStep]) -> tuple[str, ...]:
    return tuple(step.id for step in steps)


def _numbers(steps: Iterable[FiledStep]) -> str:
    return ", ".join(str(step.number) for step in steps)


def _minutes(time: timedelta) -> str:
    return f"{max(1, round(time / timedelta(minutes=1)))} min"


def _short(text: str, most: int = 120) -> str:
    return plain_text(text, most=most).rstrip(".")
