"""What there is to see on a site: investigations, small and large."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.identifiers import HandoffId, MaintenanceScheduleId, ScriptTemplateId, SessionId, TreeId, TreeProposalId
from flowpilot_core.domain.knowledge.content import Answer, Content, Next, Node, NodeId, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script import Platform, ScriptContent
from flowpilot_core.domain.maintenance.schedule import Plan, Target
from flowpilot_core.domain.sessions.branch import Option, Outcome
from flowpilot_core.domain.sessions.session import Priority, Ticket
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.testing.builders import a_session as built
from flowpilot_core.testing.contracts.insights.figures import PRINTS

from .site import Site

STUCK = "No rights on the switch, and the practice opens at seven"
LOG = "\n".join(f"03:1{number % 10}:0{number % 6} %LINK-3-UPDOWN: Interface Gi1/0/14, changed state to down" for number in range(12))


async def a_session(site: Site, who: str = "jo", title: str = "VPN drops every ten minutes", **values: Any) -> SessionId:
    """A session that somebody works on."""
    started = await site.flowpilot.sessions.start(
        site.person(who),
        title=title,
        problem=values.pop("problem", "Two of nine people at the practice lose the VPN again and again."),
        client_name=values.pop("client_name", "Lakeside Dental"),
        **values,
    )
    return started.session.id


async def an_investigation(site: Site, who: str = "jo", **values: Any) -> SessionId:
    """A session with a fork and three branches."""
    sessions, person = site.flowpilot.sessions, site.person(who)
    values.setdefault("ticket", Ticket(system="halopsa", id="48213"))
    session_id = await a_session(site, who, **values)
    asked = await sessions.add_step(person, session_id, kind=StepKind.QUESTION, content="What changed since yesterday?")
    await sessions.add_step(
        person,
        session_id,
        kind=StepKind.ACTION,
        content="Restarted the client on both machines",
        result=StepResult.FAILED,
        evidence="Gone after nine minutes again",
    )
    await sessions.fork(
        person,
        session_id,
        at_step_id=asked.step.id,
        reason="Two things changed last night",
        options=[
            Option(label="Idle timeout", hypothesis="The gateway ends what is quiet for ten minutes"),
            Option(label="Uplink", hypothesis="The port of the new switch flaps"),
        ],
    )
    await sessions.add_step(
        person, session_id, kind=StepKind.SCRIPT, content="Kept a ping running for half an hour", result=StepResult.FAILED, evidence=LOG
    )
    detail = await sessions.get(person, session_id)
    idle, uplink = (branch.id for branch in detail.session.branches.all[1:])
    await sessions.close_branch(person, session_id, idle, outcome=Outcome.DEAD_END, reason="It drops with traffic, too")
    await sessions.activate_branch(person, session_id, uplink)
    await sessions.add_step(
        person, session_id, kind=StepKind.OBSERVATION, content="Port 14 went down six times in an hour", result=StepResult.INCONCLUSIVE
    )
    return session_id


async def escalated(site: Site, session_id: SessionId, who: str = "jo", **values: Any) -> HandoffId:
    """Its handoff."""
    made = await site.flowpilot.handoffs.hand_off(
        site.person(who),
        session_id,
        intent=Intent.ESCALATE,
        reason=values.pop("reason", STUCK),
        **values,
    )
    return made.handoff.id


async def an_escalation(
    site: Site, who: str = "jo", *, priority: Priority = Priority.HIGH, reason: str = STUCK, **values: Any
) -> HandoffId:
    """An investigation that waits for a colleague."""
    return await escalated(site, await an_investigation(site, who, **values), who, priority=priority, reason=reason)


def _question(node_id: str, text: str, **answers: str) -> Node:
    ways = tuple(Answer(label=label.replace("_", " "), next=NodeId(to)) for label, to in answers.items())
    return Node(id=NodeId(node_id), kind=NodeKind.QUESTION, text=text, answers=ways)


def _end(node_id: str, outcome: TreeOutcome, text: str) -> Node:
    return Node(id=NodeId(node_id), kind=NodeKind.OUTCOME, text=text, outcome=outcome)


VPN = Content(
    root=NodeId("who"),
    nodes=(
        _question("who", "Whose VPN drops at {{ site }}?", Everybody="line", Some="idle"),
        _question("line", "Does the line drop too?", Yes="provider", No="gateway"),
        Node(
            id=NodeId("idle"),
            kind=NodeKind.ACTION,
            text="Keep a ping running for half an hour",
            help="ping -t to the gateway, from one of their machines",
            next=Next(worked=NodeId("timeout"), otherwise=NodeId("gateway")),
        ),
        Node(
            id=NodeId("gateway"),
            kind=NodeKind.ACTION,
            text="Update the gateway and restart it",
            next=Next(worked=NodeId("updated"), otherwise=NodeId("senior")),
        ),
        _end("provider", TreeOutcome.DEAD_END, "It is the line: their provider has to look"),
        _end("timeout", TreeOutcome.SOLVED, "The idle timeout of the gateway was ten minutes"),
        _end("updated", TreeOutcome.SOLVED, "The old firmware lost its tunnels"),
        _end("senior", TreeOutcome.ESCALATE, "The gateway drops tunnels with new firmware, too"),
    ),
    parameters=(Parameter(name="site", label="Site", type=ParameterType.TEXT),),
)


async def a_tree(
    site: Site, who: str = "adam", *, name: str = "VPN drops every ten minutes", content: Content = VPN, publish: bool = True
) -> TreeId:
    """A tree of the account."""
    trees, person = site.flowpilot.trees, site.person(who)
    made = await trees.make(
        person, name=name, kind=TreeKind.TROUBLESHOOTING, description="Somebody loses the VPN again and again.", content=content
    )
    tree_id = made.detail.listed.tree.id
    if publish:
        await trees.publish(person, tree_id, "First")
    return tree_id


SCRIPT = ScriptContent(
    language=Language.POWERSHELL,
    body="Test-Connection -TargetName {{ host }} -Count {{ count }}\n",
    parameters=(
        Parameter(name="host", label="Host", type=ParameterType.TEXT),
        Parameter(name="count", label="How often", type=ParameterType.INTEGER, default=4),
    ),
    platforms=(Platform.WINDOWS,),
)


async def a_script(site: Site, who: str = "adam", *, name: str = "Ping a host", publish: bool = True) -> ScriptTemplateId:
    """A script template of the account."""
    templates, person = site.flowpilot.script_templates, site.person(who)
    made = await templates.make(person, name=name, description="Looks whether a host answers, and how fast.", content=SCRIPT)
    if publish:
        await templates.publish(person, made.template.id)
    return made.template.id


async def a_schedule(site: Site, name: str = "Patch night") -> MaintenanceScheduleId:
    """Machines that are looked after every Tuesday, and were once by hand."""
    plan = Plan(
        name=name,
        targets=(
            Target(label="srv-mail-01", client_name="Lakeside Dental", notes="Ask Petra first"),
            Target(label="srv-file-01", client_name="Lakeside Dental"),
        ),
        starts_at=datetime(2026, 1, 6, 22),
        time_zone="Europe/Vienna",
        rrule="FREQ=WEEKLY;BYDAY=TU",
        duration=timedelta(hours=2),
        assignee_id=site.person("sam").user_id,
        quiet=True,
    )
    schedule = await site.flowpilot.maintenance.add(site.person("adam"), plan)
    await site.flowpilot.maintenance.run_now(site.person("adam"), schedule.id)
    return schedule.id


async def in_maintenance(site: Site) -> list[str]:
    """Every page of maintenance, with something on it."""
    schedule = f"/maintenance/schedules/{await a_schedule(site)}"
    return ["/maintenance", "/maintenance?from=2020-01-01", "/maintenance/new", schedule, f"{schedule}?do=delete", f"{schedule}/edit"]


async def in_library(site: Site) -> list[str]:
    """Every page of the library, with something on it."""
    await site.flowpilot.tree_categories.make(site.person("adam"), name="Network")
    tree, draft, script = await a_tree(site), await a_tree(site, name="Nobody can print", publish=False), await a_script(site)
    await site.flowpilot.ratings.rate(site.person("sam"), Subject.TREE, tree, stars=4, comment="Led there at once")
    pages = [f"/library/{name}" for name in ("trees", "trees?do=new", "trees?do=import", "trees?q=nothing", "scripts", "scripts?do=new")]
    pages += [f"/library/trees/{tree}{query}" for query in ("", "?do=rename", "/diff?before=1&after=1", "/edit", "/edit?node=gateway")]
    pages += [f"/library/trees/{draft}?do=publish", f"/library/trees/{draft}/edit?node=senior"]
    pages += [f"/library/scripts/{script}{query}" for query in ("", "?do=rename", "/edit")]
    pages += ["/library/proposals", f"/library/proposals/{await learnt(site)}", "/library/proposals?state=rejected"]
    return [*pages, "/library/categories", "/library/gallery", f"/sessions/new?tree={tree}"]


async def learnt(site: Site) -> TreeProposalId:
    """What a session taught that was solved without its tree."""
    session_id, jo = await walking(site), site.person("jo")
    await site.flowpilot.walks.leave(jo, session_id, reason="It began with the new switch")
    await site.flowpilot.sessions.add_step(jo, session_id, kind=StepKind.ACTION, content="Put the port back", result=StepResult.WORKED)
    await site.flowpilot.sessions.resolve(jo, session_id, summary="The port of the new switch flapped")
    await site.works()
    return (await site.flowpilot.tree_proposals.list(site.person("adam"), None, after=None, limit=1))[0].proposal.id


async def walking(site: Site, who: str = "jo", tree_id: TreeId | None = None) -> SessionId:
    """A session that follows a tree, at its first question."""
    started = await site.flowpilot.walks.start_session(
        site.person(who),
        title="The VPN is gone at Lakeside",
        problem="Since this morning, some of them.",
        client_name="Lakeside Dental",
        tree_id=tree_id or await a_tree(site),
        parameters={"site": "Lakeside"},
    )
    return started.session.id


PROBLEMS = ("Outlook asks for a password again", "Nobody can print", "VPN drops every ten minutes", "Backup failed", "Laptop is slow")
CLIENTS = (
    "Lakeside Dental",
    "Hillside School",
    "Meridian Law",
    "Contoso",
    "Harbour Hotel",
    "St. Anne's hospice and day care in the old town",
)


async def worked_through(site: Site, days: int = 30, a_day: int = 3) -> None:
    """What happens in an account within so many days until now: escalations, some claimed at once and some after a night."""
    shown = await site.flowpilot.trees.get(site.person("adam"), await a_tree(site, name="Nobody can print", content=PRINTS))
    tree = shown.detail.listed.tree
    people = [site.person(name) for name in ("jo", "sam", "sue")]
    now = datetime.now(UTC)
    for number in range(days * a_day):
        day, place = divmod(number, a_day)
        if (now - timedelta(days=day)).weekday() > 4 and place:
            continue
        made_at = now - timedelta(days=day, hours=2 + 3 * place + number % 5, minutes=number * 7 % 60)
        junior, senior = people[number % 3], people[(number + 1 + number % 2) % 3]
        title = PROBLEMS[number * 3 % 5]
        case = built(by=junior, title=title, problem=f"{title}, since this morning", client_name=CLIENTS[number * number % 6], at=made_at)
        if number % 4 == 0:
            case = case.walking(tree, PRINTS).at_node(PRINTS, "Yes")
            if number % 8 == 0:
                await case.at_node(PRINTS, result=StepResult.WORKED).resolved().kept(site.store.begin)
                continue
            case = case.walk_left()
        else:
            case = case.step()
        if number % 7 == 6:
            await case.resolved().kept(site.store.begin)
            continue
        case = case.escalated(priority=list(Priority)[number * 5 % 4])
        if day == 0:
            await case.kept(site.store.begin)
            continue
        if number % 9 == 8:
            case = case.claimed_by(senior).unclaimed()
        claimed_at = case.at + timedelta(seconds=40 * 2 ** (number % 11))
        case = case.claimed_by(senior, at=claimed_at)
        if number % 5:
            case = case.step(by=senior, at=claimed_at + timedelta(seconds=5 * 2 ** (number * 7 % 10)))
        await case.resolved().kept(site.store.begin)
