"""How a run begins: looked at for what it needs, written down, and left to be done; or blocked, and those who can mend it are told."""

from datetime import datetime
from typing import Protocol

from attrs import evolve

from flowpilot_core.domain.kernel.errors import InvalidTransition, NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, MaintenanceNoticeId
from flowpilot_core.domain.knowledge.parameter import Matches
from flowpilot_core.domain.maintenance.run import Footing, Notice, Run, told
from flowpilot_core.domain.maintenance.schedule import Plan
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import NewId
from flowpilot_core.ports.knowledge import KnowledgeWork
from flowpilot_core.ports.maintenance import MaintenanceWork
from flowpilot_core.ports.relay import RelayWork, Work, WorkKind


class BeginningNeeds(MaintenanceWork, KnowledgeWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


async def footing_of(work: BeginningNeeds, plan: Plan, account_id: AccountId) -> Footing:
    """What a plan stands on now. Raises `NotFound` where its assignee was never of this account."""
    footing = Footing(account_id=account_id, assignee=await work.people.user(plan.assignee_id), parameters=plan.parameters)
    if plan.tree is None:
        return footing
    try:
        tree = await work.trees.get(plan.tree.id)
        number = tree.require_usable()
        content = (await work.trees.revision(tree.id, number)).content
    except (NotFound, InvalidTransition):
        return evolve(footing, tree_gone=True)
    return evolve(footing, tree=tree, revision=number, content=content)


async def begin_run(work: BeginningNeeds, run: Run, account_id: AccountId, *, matches: Matches, new_id: NewId, at: datetime) -> Run:
    """Keep a new run, and have it done after the commit; returns it, blocked where something that it needs is gone."""
    problem = (await footing_of(work, run.plan, account_id)).problem(matches)
    if problem is None:
        await work.maintenance.add_run(run)
        await work.due.add(Work(id=run.id, kind=WorkKind.MAINTENANCE_RUN, due_at=at))
        return run
    run = run.blocked(problem)
    await work.maintenance.add_run(run)
    await notify(work, run, new_id=new_id, at=at)
    return run


async def notify(work: BeginningNeeds, run: Run, *, new_id: NewId, at: datetime) -> None:
    """Have a mail sent to whom it concerns, after the commit."""
    people = await work.people.users()
    notices = [Notice(id=MaintenanceNoticeId(new_id()), run_id=run.id, user_id=user_id) for user_id in told(run, people)]
    await work.maintenance.add_notices(notices)
    for one in notices:
        await work.due.add(Work(id=one.id, kind=WorkKind.MAINTENANCE_NOTICE, due_at=at))
