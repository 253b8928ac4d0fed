"""Three accounts and all roles make random moves; whatever anybody can see is compared with a plain model.

Subclass `AccountsMachine`, say how the ports are opened, and run it:

    class MemoryMachine(AccountsMachine):
        @asynccontextmanager
        async def opened(self) -> AsyncIterator[Adapter]:
            store = MemoryStore(clock=SystemClock(), new_token=new_id)
            yield Adapter(begin=store.begin, view=store.view, outbox=store.outbox)


    def test_no_account_learns_of_another() -> None:
        run_state_machine_as_test(MemoryMachine)
"""

import asyncio
import copy
import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from attrs import evolve, frozen
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, multiple, precondition, rule

from flowpilot_core.application.assistant.redaction import redact_by_rules
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.units import Request, Units
from flowpilot_core.application.knowledge.parsing import Parsers
from flowpilot_core.application.knowledge.proposals import ProposeTree
from flowpilot_core.application.knowledge.script_templates import ScriptShown
from flowpilot_core.application.knowledge.trees import TreeShown
from flowpilot_core.application.knowledge.walks import Walked
from flowpilot_core.application.sessions.sessions import Added
from flowpilot_core.domain.access.branding import BrandingWords
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.insights.search import MOST_HITS, Within
from flowpilot_core.domain.kernel.actor import Person, System
from flowpilot_core.domain.kernel.canonical_json import digest
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, FlowPilotError, NotFound, RoleForbidden, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import (
    PLATFORM_ACCOUNT,
    AccountId,
    HandoffId,
    ScriptTemplateId,
    SessionId,
    StepId,
    TeamId,
    TreeId,
    TreeProposalId,
    UserId,
)
from flowpilot_core.domain.kernel.image import LONGEST_SIDE, Image, PictureType
from flowpilot_core.domain.kernel.permissions import OWNERS_AND_ADMINS, Permission, permits
from flowpilot_core.domain.knowledge.content import Content, Next, Node, NodeId, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.gallery import GalleryEntry
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject
from flowpilot_core.domain.knowledge.script import ScriptContent, ScriptReading
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.maintenance.schedule import Plan, Schedule, Target
from flowpilot_core.domain.notifications.delivery import TELLING, DeliveryKind
from flowpilot_core.domain.sessions.branch import Option
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Priority, Status
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.ports.handoffs import HandoffDetail, QueueFilter
from flowpilot_core.ports.knowledge import ScriptFilter, TreeFilter
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.ports.sessions import SessionDetail, SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.contracts.contract import EVERYTHING, Adapter, facts
from flowpilot_core.testing.contracts.knowledge.trees import a_platform

from .builders import SetClock, Staff, a_staff, new_id
from .model import ModelAccount, ModelHandoff, ModelPerson
from .model_library import SCRIPT, TREE, ModelLibrary, ModelTemplate

T = TypeVar("T")

ACCOUNTS = 3
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@frozen
class Known:
    """An id, and the number of the account it is of."""

    account: int
    id: UUID


@frozen
class Who:
    """Somebody, said without an id: how many accounts away from the thing, and which of the people there (None: whose it is)."""

    away: int
    person: int | None


WHO = st.builds(Who, st.sampled_from([0] * 8 + [1, 2]), st.sampled_from([None] * 4 + [0, 1, 2, 3, 4]))
IF_MATCH = st.sampled_from([None] * 12 + [1, 2, 99])
WHICH = st.sampled_from([0, 0, 0, 0, 1])
NAMED = st.none() | st.tuples(st.sampled_from(["team", "empty team", "person"]), st.sampled_from([0, 0, 0, 1]), st.integers(0, 4))
"""For whom a handoff is meant: of which kind, in an account how far away, which of its people."""


class _Whatever:
    """Takes whatever is sent for a picture."""

    async def read(self, account_id: AccountId, content: bytes, *, longest_side: int = LONGEST_SIDE) -> Image:
        """As it is."""
        return Image(type=PictureType.PNG, width=1, height=1, content=content)

    async def narrowed(self, account_id: AccountId, image: Image, width: int) -> Image:
        """As it is."""
        return image


ONE_THING = Content(
    root=NodeId("try"),
    nodes=(
        Node(id=NodeId("try"), kind=NodeKind.ACTION, text="Restart it", next=Next(otherwise=NodeId("ask"))),
        Node(id=NodeId("ask"), kind=NodeKind.OUTCOME, text="Ask a senior", outcome=TreeOutcome.ESCALATE),
    ),
)
"""One thing to do, and then no branch is closed."""
SCRIPT_BODY = ScriptContent(language=Language.BASH, body="true\n")
AS_IT_IS = Parsers(matches=lambda _, __: True, read_script=lambda _, __, ___: ScriptReading(places=()), declared=lambda _, __: ())
PRODUCT = System(account_id=PLATFORM_ACCOUNT, cause="it came with the product")


class AccountsMachine(RuleBasedStateMachine):
    """The facade over somebody's ports, beside one `ModelAccount` for each account."""

    sessions: ClassVar[Bundle[Known]] = Bundle("sessions")
    templates: ClassVar[Bundle[Known]] = Bundle("templates")

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[Adapter]:
        """The ports under test, for one run; accounts of other runs may be in there."""

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Do something async; override it where the ports live on a loop of their own."""
        return self._runner.run(doing)

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.clock = SetClock()
        self.adapter: Adapter = self.run(self._stack.enter_async_context(self.opened()))
        self.product = FlowPilot.of(
            begin=self.adapter.begin,
            view=self.adapter.view,
            clock=self.clock,
            new_id=new_id,
            new_secret=lambda: bytes(32),
            pictures=_Whatever(),
            parsers=AS_IT_IS,
        )
        self.staffs: list[Staff] = []
        self.models: list[ModelAccount] = []
        self.owners: dict[str, int] = {}
        """Which account each id is of."""
        self.steps: list[Step] = []
        self.proposals: set[Known] = set()
        self.things: dict[UUID, str] = {}
        """What each id of a tree or a script template is of."""
        self.shown = TreeId(new_id())
        """What the platform shows to all of them."""
        self.run(self._show())
        self.indexed: list[frozenset[UUID]] = [frozenset()] * ACCOUNTS
        """What search of each account has looked at."""

    def teardown(self) -> None:
        """Look at everything as everybody, once more, hold all figures against the event log, and close."""
        try:
            for number, staff in enumerate(self.staffs):
                self.index_for_search(number)
                for person in staff.people:
                    self.run(self._look(number, person))
                assert () == self.run(self.product.analytics.verify(staff.account_id))
        finally:
            self.run(self._stack.aclose())
            self._runner.close()

    def hire(self) -> None:
        """Three accounts with the same people, whose names tell where they are from."""
        for number in range(ACCOUNTS):
            staff = a_staff(f"canary{number}")
            named = {
                name: evolve(getattr(staff, name), name=f"{getattr(staff, name).name} canary{number}")
                for name in ("olga", "adam", "anna", "ben", "vera")
            }
            staff = evolve(staff, **named)
            self.run(staff.kept(self.adapter.begin))
            self.staffs.append(staff)
            people = {user.id: ModelPerson(id=user.id, name=user.name, role=user.role, teams=user.team_ids) for user in staff.users}
            library = ModelLibrary(
                roles={one.id: one.role for one in people.values()},
                names={one.id: one.name for one in people.values()},
                platform={self.shown: ModelTemplate(thing=TREE, state="published", revision=1, of_platform=True)},
            )
            self.models.append(ModelAccount(people=people, teams=frozenset({staff.network.id, staff.bench.id}), library=library))
            for owned in (staff.account_id, staff.network.id, staff.bench.id, *people):
                self.owners[str(owned)] = number

    # Moves

    @rule(minutes=st.integers(-30, 30))
    def time_passes(self, minutes: int) -> None:
        """Or goes back."""
        self.clock.jump(timedelta(minutes=minutes))

    @initialize(target=sessions, people=st.tuples(*[st.integers(0, 3)] * ACCOUNTS))
    def begin_with_one_escalation_each(self, people: tuple[int, ...]) -> MultipleResults[Known]:
        """With a step, and a park before it that hardly anybody may know of."""
        self.hire()
        known = [Known(account, self._started(account, person)) for account, person in enumerate(people)]
        whose = Who(0, None)
        for session in known:
            self.add_step(session, whose, None)
            self.hand_off(session, whose, Intent.PARK, Priority.NORMAL, None, None)
            self.move(session, whose, "resume", None)
            self.hand_off(session, whose, Intent.ESCALATE, Priority.NORMAL, None, None)
        return multiple(*known)

    @rule(target=sessions, account=st.integers(0, ACCOUNTS - 1), person=st.sampled_from([0, 1, 2, 2, 3, 3, 4]))
    def start(self, account: int, person: int) -> MultipleResults[Known]:
        """A session begins, if this person may."""
        session_id = self._started(account, person)
        return multiple(Known(account, session_id)) if session_id in self.models[account].sessions else multiple()

    @rule(session=sessions, who=WHO, if_match=IF_MATCH)
    def add_step(self, session: Known, who: Who, if_match: int | None) -> None:
        account, by, model = self._by(session, who)
        done = self._do(
            account,
            self.product.sessions.add_step(
                by, SessionId(session.id), kind=StepKind.ACTION, content=f"canary{account}", request=Request(if_match=if_match)
            ),
        )
        if isinstance(done, Added):
            self.steps.append(done.step)
            self.owners[str(done.step.id)] = account
        self._agrees(
            account,
            by,
            done,
            lambda: model.work(by.user_id, SessionId(session.id), "step.added", at=self.clock.now(), if_match=if_match, steps=1),
        )

    @rule(session=sessions, who=WHO, foreign=st.sampled_from([False, False, False, True]), fork=st.booleans())
    def work_at_a_step(self, session: Known, who: Who, foreign: bool, fork: bool) -> None:
        """A result of a step, or a fork at it; sometimes the step is another session's, or nobody's."""
        account, by, model = self._by(session, who)
        steps = [step.id for step in self.steps if (step.session_id == session.id) is not foreign]
        step_id = steps[-1] if steps else StepId(new_id())
        session_id = SessionId(session.id)
        known = bool(steps) and not foreign
        step_by = next((step.created_by for step in self.steps if step.id == step_id), None)
        if fork:
            options = [Option(label=f"canary{account}", hypothesis=f"canary{account}")] * 2
            doing: Coroutine[Any, Any, object] = self.product.sessions.fork(
                by, session_id, at_step_id=step_id, reason=f"canary{account}", options=options
            )
            kind, branches = "branch.forked", 2
        else:
            doing = self.product.sessions.set_result(by, session_id, step_id, result=StepResult.FAILED)
            kind, branches = "step.changed", 0

        def expected() -> FlowPilotError | None:
            if not known and model.sessions.get(session_id) and model.reads_session(by.user_id, model.sessions[session_id]):
                return NotFound("step")
            return model.work(by.user_id, session_id, kind, at=self.clock.now(), branches=branches, step_by=step_by)

        self._agrees(account, by, self._do(account, doing), expected)

    @rule(session=sessions, who=WHO, foreign=st.sampled_from([False, False, False, True]), if_match=IF_MATCH)
    def add_picture(self, session: Known, who: Who, foreign: bool, if_match: int | None) -> None:
        """To a step; sometimes the step is another session's, or nobody's."""
        account, by, model = self._by(session, who)
        steps = [step for step in self.steps if (step.session_id == session.id) is not foreign]
        step_id, step_by = (steps[-1].id, steps[-1].created_by) if steps else (StepId(new_id()), None)
        session_id, alt = SessionId(session.id), f"canary{account}"
        done = self._do(
            account, self.product.pictures.add(by, session_id, step_id, content=alt.encode(), alt=alt, request=Request(if_match=if_match))
        )
        if isinstance(done, Picture):
            self.owners[str(done.id)] = account

        def expected() -> FlowPilotError | None:
            known = bool(steps) and not foreign
            if not known and model.sessions.get(session_id) and model.reads_session(by.user_id, model.sessions[session_id]):
                return NotFound("step")
            refusal = model.work(by.user_id, session_id, "picture.added", at=self.clock.now(), if_match=if_match, step_by=step_by)
            if refusal is None and isinstance(done, Picture):
                model.sessions[session_id].pictures.append((step_id, done.id))
            return refusal

        self._agrees(account, by, done, expected)

    @rule(account=st.integers(0, ACCOUNTS - 1), person=st.integers(0, 4))
    def say_how_it_looks(self, account: int, person: int) -> None:
        """Whoever may."""
        by, model = self.staffs[account].people[person], self.models[account]
        if not model.people[by.user_id].active:
            return  # Nobody who has left gets as far as this.
        said = f"canary{account} {model.branding_version}"
        done = self._do(account, self.product.branding.set(by, BrandingWords(display_name=said)))
        self._agrees(account, by, done, lambda: model.say(by.user_id, said))

    @rule(account=st.integers(0, ACCOUNTS - 1), person=st.integers(0, 4), away=st.sampled_from([0, 0, 0, 1]))
    def look_after_machines(self, account: int, person: int, away: int) -> None:
        """Whoever may; sometimes it is given to somebody of another account."""
        by, model = self.staffs[account].people[person], self.models[account]
        if not model.people[by.user_id].active:
            return  # Nobody who has left gets as far as this.
        assignee_id = self.staffs[(account + away) % ACCOUNTS].olga.user_id if away else by.user_id
        plan = Plan(
            name=f"canary{account}",
            targets=(Target(label=f"canary{account}"),),
            starts_at=datetime(2099, 1, 1),  # noqa: DTZ001  (by the clock of its time zone)
            time_zone="UTC",
            duration=timedelta(hours=1),
            assignee_id=assignee_id,
        )
        done = self._do(account, self.product.maintenance.add(by, plan))
        if isinstance(done, Schedule):
            self.owners[str(done.id)] = account
        self._agrees(account, by, done, lambda: model.schedule(by.user_id, done.id if isinstance(done, Schedule) else None, assignee_id))

    @rule(account=st.integers(0, ACCOUNTS - 1), person=st.integers(0, 4), wanted=st.booleans())
    def want_weekly_digest(self, account: int, person: int, wanted: bool) -> None:
        """Whoever may, for themselves alone."""
        by, model = self.staffs[account].people[person], self.models[account]
        if model.people[by.user_id].active:
            done = self._do(account, self.product.weekly_digests.want(by, wanted))
            self._agrees(account, by, done, lambda: model.want_weekly_digest(by.user_id, wanted))

    @rule(
        session=sessions,
        who=WHO,
        move=st.sampled_from(["resume", "resolve", "abandon", "reopen", "join", "join", "leave"]),
        if_match=IF_MATCH,
    )
    def move(self, session: Known, who: Who, move: str, if_match: int | None) -> None:
        account, by, model = self._by(session, who)
        session_id, request, sessions = SessionId(session.id), Request(if_match=if_match), self.product.sessions
        text = f"canary{account}"
        match move:
            case "resume":
                doing = sessions.resume(by, session_id, request=request)
            case "resolve":
                doing = sessions.resolve(by, session_id, summary=text, request=request)
            case "abandon":
                doing = sessions.abandon(by, session_id, reason=text, request=request)
            case "join":
                doing = sessions.join(by, session_id, request=request)
            case "leave":
                doing = sessions.leave(by, session_id, request=request)
            case _:
                doing = sessions.reopen(by, session_id, reason=text, request=request)
        done = self._do(account, doing)
        made = getattr(model, move)
        self._agrees(
            account,
            by,
            done,
            lambda: made(by.user_id, session_id, at=self.clock.now(), if_match=if_match),
        )

    @initialize(target=templates)
    def begin_with_what_the_platform_shows(self) -> MultipleResults[Known]:
        """The same for all accounts."""
        return multiple(*(Known(account, self.shown) for account in range(ACCOUNTS)))

    @rule(target=templates, account=st.integers(0, ACCOUNTS - 1), person=st.integers(0, 4), thing=st.sampled_from([TREE, TREE, SCRIPT]))
    def write(self, account: int, person: int, thing: str) -> MultipleResults[Known]:
        """A draft, if this person may."""
        by, model, said = self.staffs[account].people[person], self.models[account], f"canary{account}"
        if not model.people[by.user_id].active:
            return multiple()  # Nobody who has left gets as far as this.
        if thing == TREE:
            doing: Awaitable[object] = self.product.trees.make(by, name=said, kind=TreeKind.TROUBLESHOOTING, content=ONE_THING)
        else:
            doing = self.product.script_templates.make(by, name=said, content=SCRIPT_BODY)
        done = self._do(account, doing)
        return self._written(account, by, done, lambda new: model.library.make(by.user_id, new, thing))

    @rule(target=templates, template=templates, who=WHO)
    def copy(self, template: Known, who: Who) -> MultipleResults[Known]:
        """One's own, another account's, or what the gallery shows."""
        account, by, model = self._by(template, who)
        if not model.people[by.user_id].active:
            return multiple()
        thing = self._thing(template)
        if template.id == self.shown:
            doing: Awaitable[object] = self.product.gallery.copy(by, Subject.TREE, self.shown)
        elif thing == TREE:
            doing = self.product.trees.copy(by, TreeId(template.id))
        else:
            doing = self.product.script_templates.copy(by, ScriptTemplateId(template.id))
        done = self._do(account, doing)
        return self._written(account, by, done, lambda new: model.library.copy(by.user_id, template.id, thing, new))

    @rule(template=templates, who=WHO, move=st.sampled_from(["edit", "publish", "publish", "publish", "archive", "restore", "delete"]))
    def change(self, template: Known, who: Who, move: str) -> None:
        """A draft, a revision, or whether it is offered."""
        account, by, model = self._by(template, who)
        if not model.people[by.user_id].active:
            return
        thing, trees, scripts = self._thing(template), self.product.trees, self.product.script_templates
        on_trees = thing == TREE
        if move == "edit" and on_trees:
            doing: Awaitable[object] = trees.edit(by, TreeId(template.id), ONE_THING)
        elif move == "edit":
            doing = scripts.edit(by, ScriptTemplateId(template.id), SCRIPT_BODY)
        elif move == "delete":
            doing = trees.delete(by, TreeId(template.id)) if on_trees else scripts.drop(by, ScriptTemplateId(template.id))
        else:
            doing = getattr(trees if on_trees else scripts, move)(by, template.id)
        self._agrees(account, by, self._do(account, doing), lambda: model.library.move(by.user_id, template.id, thing, move))

    @rule(template=templates, who=WHO, stars=st.integers(1, 5))
    def rate(self, template: Known, who: Who, stars: int) -> None:
        account, by, model = self._by(template, who)
        if not model.people[by.user_id].active:
            return
        thing = self._thing(template)
        done = self._do(account, self.product.ratings.rate(by, _subject(thing), template.id, stars=stars, comment=f"canary{account}"))
        self._agrees(account, by, done, lambda: model.library.rate(by.user_id, template.id, thing, stars))

    @rule(session=sessions, template=templates, who=WHO)
    def follow(self, session: Known, template: Known, who: Who) -> None:
        """A tree, in a session; the tree may be another account's, or no tree at all."""
        account, by, model = self._by(session, who)
        session_id, tree_id = SessionId(session.id), TreeId(template.id)
        done = self._do(account, self.product.walks.begin(by, session_id, tree_id=tree_id, parameters={}))
        self._agrees(account, by, done, lambda: model.follow(by.user_id, session_id, tree_id, at=self.clock.now()))

    @rule(session=sessions, who=WHO)
    def do_what_waits(self, session: Known, who: Who) -> None:
        """In the tree that a session follows."""
        account, by, model = self._by(session, who)
        session_id = SessionId(session.id)
        done = self._do(account, self.product.walks.step(by, session_id, node_id="try", evidence=f"canary{account}"))
        if isinstance(done, Walked):
            self.steps.append(done.step)
            self.owners[str(done.step.id)] = account
        self._agrees(account, by, done, lambda: model.do_node(by.user_id, session_id, at=self.clock.now()))

    @rule(session=sessions, who=WHO, away=st.sampled_from([0, 0, 0, 1]), to=st.integers(0, 4), if_match=IF_MATCH)
    def reassign(self, session: Known, who: Who, away: int, to: int, if_match: int | None) -> None:
        account, by, model = self._by(session, who)
        to_id = self.staffs[(account + away) % ACCOUNTS].people[to].user_id
        session_id = SessionId(session.id)
        done = self._do(account, self.product.sessions.reassign(by, session_id, user_id=to_id, request=Request(if_match=if_match)))
        self._agrees(
            account,
            by,
            done,
            lambda: model.reassign(by.user_id, session_id, to_id, at=self.clock.now(), if_match=if_match),
        )

    @rule(
        session=sessions,
        who=WHO,
        intent=st.sampled_from([Intent.ESCALATE, Intent.ESCALATE, Intent.PARK]),
        priority=st.sampled_from(Priority),
        named=NAMED,
        if_match=IF_MATCH,
    )
    def hand_off(
        self,
        session: Known,
        who: Who,
        intent: Intent,
        priority: Priority,
        named: tuple[str, int, int] | None,
        if_match: int | None,
    ) -> None:
        """A park or an escalation."""
        account, by, model = self._by(session, who)
        team, user = self._named(account, named)
        session_id = SessionId(session.id)
        done = self._do(
            account,
            self.product.handoffs.hand_off(
                by,
                session_id,
                intent=intent,
                reason=f"canary{account}",
                priority=priority,
                team_id=team,
                user_id=user,
                request=Request(if_match=if_match),
            ),
        )
        handoff_id = done.handoff.id if isinstance(done, HandoffDetail) else HandoffId(new_id())

        def expected() -> FlowPilotError | None:
            made = model.hand_off(
                by.user_id, session_id, intent, priority=priority, team=team, user=user, at=self.clock.now(), if_match=if_match
            )
            if isinstance(made, ModelHandoff):
                made.id = handoff_id
                model.handed_off(made)
                return None
            return made

        self._agrees(account, by, done, expected)
        self.owners[str(handoff_id)] = account

    @rule(session=sessions, which=WHICH, who=WHO, move=st.sampled_from(["claim", "claim", "unclaim", "withdraw"]), if_match=IF_MATCH)
    def take(self, session: Known, which: int, who: Who, move: str, if_match: int | None) -> None:
        account, by, model = self._by(session, who)
        handoff_id = self._handoff(session, which)
        doing = getattr(self.product.handoffs, move)(by, handoff_id, request=Request(if_match=if_match))
        made = getattr(model, move)
        self._agrees(
            account,
            by,
            self._do(account, doing),
            lambda: made(by.user_id, handoff_id, at=self.clock.now(), if_match=if_match),
        )

    @rule(session=sessions, which=WHICH, who=WHO, named=NAMED, priority=st.none() | st.sampled_from(Priority))
    def reroute(self, session: Known, which: int, who: Who, named: tuple[str, int, int] | None, priority: Priority | None) -> None:
        account, by, model = self._by(session, who)
        team, user = self._named(account, named)
        handoff_id = self._handoff(session, which)
        done = self._do(account, self.product.handoffs.reroute(by, handoff_id, team_id=team, user_id=user, priority=priority))
        self._agrees(
            account,
            by,
            done,
            lambda: model.reroute(by.user_id, handoff_id, team=team, user=user, priority=priority),
        )

    @rule(session=sessions, which=WHICH)
    def everybody_claims_at_once(self, session: Known, which: int) -> None:
        """All people of all accounts: one wins at most, and is the same to everyone."""
        handoff_id = self._handoff(session, which)
        everybody = [(number, person) for number, staff in enumerate(self.staffs) for person in staff.people * 2]

        async def race() -> list[object]:
            return list(await asyncio.gather(*(self._outcome(self.product.handoffs.claim(person, handoff_id)) for _, person in everybody)))

        outcomes = self.run(race())
        won = [(number, person) for (number, person), done in zip(everybody, outcomes, strict=True) if isinstance(done, HandoffDetail)]
        assert len(won) <= 1
        model = self.models[session.account]
        for number, winner in won:
            assert session.account == number
            assert model.claim(winner.user_id, handoff_id, at=self.clock.now()) is None
        for (number, person), done in zip(everybody, outcomes, strict=True):
            self._leaks_nothing(number, done)
            if isinstance(done, FlowPilotError):
                expected = self.models[number].claim(person.user_id, handoff_id, at=self.clock.now())
                inactive = not self.models[number].people[person.user_id].active
                if isinstance(done, Unauthenticated):
                    assert inactive
                elif not (inactive and expected is None):
                    assert expected is not None
                    assert facts(expected) == facts(done)
                if won and isinstance(done, AlreadyClaimed):
                    assert won[0][1].user_id == done.by

    @precondition(lambda self: all(person.active for model in self.models for person in model.people.values()))
    @rule(account=st.integers(0, ACCOUNTS - 1), person=st.sampled_from([1, 2, 3]))
    def deactivate(self, account: int, person: int) -> None:
        """Somebody leaves, once in a run: from then on they can do nothing."""
        user_id = self.staffs[account].people[person].user_id
        self.run(self.product.accounts.deactivate(self.staffs[account].account_id, user_id))
        self.models[account].people[user_id].active = False

    @rule(account=st.integers(0, ACCOUNTS - 1))
    def index_for_search(self, account: int) -> None:
        """Search looks at all there is; what changes afterwards it does not know of."""
        self.run(self._index(account))
        model = self.models[account]
        self.indexed[account] = frozenset({*model.sessions, *model.handoffs})

    @rule(account=st.integers(0, ACCOUNTS - 1), person=st.integers(0, 4))
    def learn(self, account: int, person: int) -> None:
        """The relay proposes what resolved sessions taught, and whoever may reads it: nobody decides on another account's."""
        self.run(self._propose())
        by, proposals = self.staffs[account].people[person], self.product.tree_proposals
        done = self._do(account, proposals.list(by, None, after=None, limit=EVERYTHING))
        assert isinstance(done, RoleForbidden) is (by.role not in OWNERS_AND_ADMINS)
        found = {Known(account, one.proposal.id) for one in done} if isinstance(done, Sequence) else set()
        self.owners.update({str(one.id): account for one in found})
        self.proposals |= found
        assert isinstance(done, RoleForbidden) or found == {one for one in self.proposals if one.account == account}
        for one in self.proposals:
            if one.account != account:
                for move in (proposals.accept(by, TreeProposalId(one.id)), proposals.reject(by, TreeProposalId(one.id), "canary")):
                    assert facts(NotFound("tree proposal")) == self._facts(self._do(account, move))

    async def _propose(self) -> None:
        units = Units[UnitOfWork](begin=self.adapter.begin, committed=lambda _: None, new_id=new_id)
        handler = ProposeTree(units=units, view=self.adapter.view, redact=redact_by_rules, clock=self.clock, new_id=new_id)
        accounts = {staff.account_id for staff in self.staffs}
        for lease in await self.adapter.outbox.take({WorkKind.TREE_PROPOSAL: EVERYTHING}, lease_for=timedelta()):
            if lease.account_id in accounts:
                await handler.do(lease)

    @rule(account=st.integers(0, ACCOUNTS - 1), person=st.integers(0, 4))
    def look_around(self, account: int, person: int) -> None:
        """Everything that one person can see is what the model says, and no more."""
        self.run(self._look(account, self.staffs[account].people[person]))

    @rule(session=sessions, who=WHO)
    def page_from_anywhere(self, session: Known, who: Who) -> None:
        """A cursor is a place and tells nothing, whosever id it is."""
        account, by, model = self._by(session, who)
        found, names = self.run(self.product.sessions.list(by, SessionFilter(), after=SessionId(session.id), limit=3))
        self._leaks_nothing(account, (found, names))
        below = [session_id for session_id in model.listed(by.user_id) if session_id < session.id]
        assert below[:3] == [one.id for one in found]

    # How it is compared

    async def _look(self, account: int, reader: Person) -> None:
        model, me = self.models[account], reader.user_id
        found, names = await self.product.sessions.list(reader, SessionFilter(), after=None, limit=EVERYTHING)
        waiting = await self.product.handoffs.queue(reader, QueueFilter(), after=None, limit=EVERYTHING)
        events = await self.adapter.view(reader.account_id).events(after=0, limit=EVERYTHING)
        self._leaks_nothing(account, (found, names, waiting, events))
        assert model.listed(me) == [session.id for session in found]
        branding = await self.product.branding.get(reader)
        assert (model.display_name, model.branding_version) == (branding.display_name, branding.version)
        looked_after = await self.product.maintenance.list(reader, after=None, limit=EVERYTHING)
        self._leaks_nothing(account, looked_after)
        assert model.schedules == [one.id for one in looked_after]
        if permits(reader, Permission.HAVE_WEEKLY_DIGEST, ()):
            digest = (await self.product.weekly_digests.get(reader)).weekly_digest
            assert (me if me in model.weekly_digests else None) == (digest and digest.user_id)
        assert model.queue() == [one.item.handoff_id for one in waiting]
        assert [
            (number, event.kind, event.by, event.session, event.handoff, event.private) for number, event in enumerate(model.events, 1)
        ] == [(one.number, one.event.kind, one.event.by, one.event.session_id, one.event.handoff_id, one.event.private) for one in events]
        await self._look_at_library(account, reader)
        await self._search(account, reader)
        for other in self.models:
            for session_id in other.sessions:
                await self._look_at_session(account, reader, session_id)
            for handoff_id in other.handoffs:
                await self._look_at_handoff(account, reader, handoff_id)

    async def _index(self, account: int) -> None:
        async with self.adapter.begin(self.staffs[account].account_id) as work:
            for session_id in self.models[account].sessions:
                await work.search_index.refresh(session_id)
            await work.commit()

    async def _search(self, account: int, reader: Person) -> None:
        """All that was looked at and may be read is found, and nothing that may not be."""
        for number in range(ACCOUNTS):
            for status in (None, Status.PARKED) if number == account else (None,):
                hits = (await self.product.search.find(reader, f"canary{number}", within=Within(status=status), limit=MOST_HITS)).hits
                self._leaks_nothing(account, hits)
                found = {hit.id for hit in hits}
                readable = self.models[account].found(reader.user_id, status) if number == account else set()
                offered = self.models[account].library.offered() if number == account and status is None else set()
                assert self.indexed[account] & readable <= found <= readable | offered

    async def _look_at_session(self, account: int, reader: Person, session_id: SessionId) -> None:
        model, me = self.models[account], reader.user_id
        got = await self._done(account, self.product.sessions.get(reader, session_id))
        timeline = await self._done(account, self.product.sessions.timeline(reader, session_id, after=0, limit=EVERYTHING))
        session = model.sessions.get(session_id)
        known = [one for other in self.models if session_id in other.sessions for one in other.sessions[session_id].pictures]
        looks = [await self._done(account, self.product.pictures.get(reader, session_id, *one)) for one in known]
        if session is None or not model.reads_session(me, session):
            assert facts(NotFound("session")) == self._facts(got) == self._facts(timeline)
            assert all(isinstance(look, NotFound) for look in looks)
            return
        assert [f"canary{account}".encode()] * len(known) == [look.content for look in looks if isinstance(look, Image)]
        assert isinstance(got, SessionDetail)
        assert isinstance(timeline, Sequence)
        assert (session.status, session.assignee, session.version) == (got.session.status, got.session.assignee_id, got.session.version)
        assert (session.steps, session.branches) == (len(got.steps), len(got.session.branches.all))
        assert (session.updated_at, session.helpers) == (got.session.updated_at, got.session.helper_ids)
        walk = got.session.walk
        assert (session.tree, session.waits) == ((walk.tree_id, walk.places[0].waiting is not None) if walk else (None, False))
        readable = [one for one in session.handoffs if model.reads_handoff(me, model.handoffs[one])]
        assert readable == [handoff.id for handoff in got.handoffs]
        assert model.timeline(me, session_id) == [(entry.logged.number, entry.logged.event.kind) for entry in timeline]

    async def _look_at_handoff(self, account: int, reader: Person, handoff_id: HandoffId) -> None:
        model, me, product = self.models[account], reader.user_id, self.product.handoffs
        got = await self._done(account, product.get(reader, handoff_id))
        snapshot = await self._done(account, self._snapshot(reader, handoff_id))
        changes = await self._done(account, product.changes(reader, handoff_id, after=0, limit=EVERYTHING))
        deliveries = await self._done(account, self.product.deliveries.of(reader, handoff_id, after=None, limit=EVERYTHING))
        handoff = model.handoffs.get(handoff_id)
        if handoff is None or not model.reads_handoff(me, handoff):
            for refused in (got, snapshot, changes, deliveries):
                assert facts(NotFound("handoff")) == self._facts(refused)
            return
        assert isinstance(got, HandoffDetail)
        assert isinstance(changes, Sequence)
        assert isinstance(deliveries, Sequence)
        claim = got.handoff.claim and (got.handoff.claim.by, got.handoff.claim.at)
        assert (handoff.state, handoff.version, handoff.claim and handoff.claim[:2]) == (got.handoff.state, got.handoff.version, claim)
        assert (handoff.priority, handoff.team, handoff.user) == (got.handoff.priority, got.handoff.team_id, got.handoff.user_id)
        assert (handoff.at, handoff.by) == (got.handoff.escalated_at, got.handoff.escalated_by)
        assert model.chain(me, handoff) == [earlier.id for earlier in got.chain]
        assert snapshot == got.handoff.snapshot_digest
        assert model.timeline(me, handoff.session, since=handoff_id) == [
            (entry.logged.number, entry.logged.event.kind) for entry in changes
        ]
        telling = [delivery for delivery in deliveries if delivery.kind in TELLING]
        assert handoff.told == {delivery.user_id for delivery in telling}
        assert (len(handoff.told), len(handoff.told)) == (got.told.people, len(telling))
        assert {handoff.by} >= {delivery.user_id for delivery in deliveries if delivery.kind is DeliveryKind.DEBRIEF}

    async def _look_at_library(self, account: int, reader: Person) -> None:
        library, me = self.models[account].library, reader.user_id
        trees, names = await self.product.trees.list(reader, TreeFilter(), after=None, limit=EVERYTHING)
        scripts = await self.product.script_templates.list(reader, ScriptFilter(), after=None, limit=EVERYTHING)
        shown = await self.product.gallery.get(reader, Subject.TREE, self.shown)
        self._leaks_nothing(account, (trees, names, scripts, shown))
        assert library.listed(me, TREE) == [one.tree.id for one in trees]
        assert library.listed(me, SCRIPT) == [one.template.id for one in scripts]
        assert (library.newest_copy(me, self.shown), 0) == (shown.mine and shown.mine.id, shown.entry.figures.uses)
        for template_id, thing in (
            (self.shown, TREE),
            *((id, one.thing) for other in self.models for id, one in other.library.own.items()),
        ):
            one = library.seen(me, template_id)
            subject = _subject(thing)
            ratings = await self._done(account, self.product.ratings.of(reader, subject, template_id, after=None, limit=EVERYTHING))
            got = await self._done(
                account,
                self.product.trees.get(reader, TreeId(template_id))
                if thing == TREE
                else self.product.script_templates.get(reader, ScriptTemplateId(template_id)),
            )
            if one is None:
                assert facts(NotFound(thing)) == self._facts(got) == self._facts(ratings)
                continue
            assert isinstance(got, TreeShown | ScriptShown)
            assert isinstance(ratings, tuple)
            template, use = (got.detail.listed.tree, got.detail.listed.use) if isinstance(got, TreeShown) else (got.template, got.use)
            copied = template.copied_from and template.copied_from.template.id
            assert (one.state, one.revision, one.copied_from) == (template.state, template.revision, copied)
            assert one.of_platform or one.version == template.version
            assert (library.sees_draft(me, one), library.uses(template_id)) == (template.sees_draft(reader), use.uses)
            stars = library.given(template_id)
            assert stars == {given.user_id: given.stars for given in ratings[0]}
            told = NO_STARS if one.of_platform else Stars(count=len(stars), total=sum(stars.values()))
            assert told == use.stars

    async def _show(self) -> None:
        """A tree of the platform's, in its gallery."""
        begin = self.adapter.begin
        await a_platform(begin)
        tree = Tree.drafted(
            self.shown, kind=TreeKind.TROUBLESHOOTING, name="Restart it", content=ONE_THING, by=PRODUCT, at=self.clock.now()
        )
        tree, revision = tree.published(None, {}, by=PRODUCT, at=self.clock.now())
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.trees.add(tree)
            await work.trees.add_revision(tree.id, revision)
            await work.gallery.save(
                GalleryEntry(subject=Subject.TREE, id=tree.id).placed(tree, listed=True, featured=False, position=0, by=PRODUCT)
            )
            await work.commit()

    def _thing(self, template: Known) -> str:
        """What it is, or was."""
        return self.things.get(template.id, TREE)

    def _written(self, account: int, by: Person, done: object, expected: Callable[[UUID], FlowPilotError | None]) -> MultipleResults[Known]:
        new = new_id()
        if isinstance(done, TreeShown):
            new = done.detail.listed.tree.id
        elif isinstance(done, ScriptShown):
            new = done.template.id
        self.things[new] = SCRIPT if isinstance(done, ScriptShown) else TREE
        self._agrees(account, by, done, lambda: expected(new))
        self.owners[str(new)] = account
        return multiple(Known(account, new)) if new in self.models[account].library.own else multiple()

    async def _snapshot(self, reader: Person, handoff_id: HandoffId) -> str:
        """The digest of the stored bytes; the bytes tell of nobody else."""
        stored = await self.product.handoffs.snapshot(reader, handoff_id, verify=True)
        self._leaks_nothing(self.owners[str(reader.account_id)], stored.body.decode())
        return digest(stored.body)

    def _by(self, thing: Known, who: Who) -> tuple[int, Person, ModelAccount]:
        account = (thing.account + who.away) % ACCOUNTS
        model = self.models[account]
        session = model.sessions.get(SessionId(thing.id))
        whose = session.assignee if session and who.person is None else self.staffs[account].people[who.person or 0].user_id
        return account, next(person for person in self.staffs[account].people if person.user_id == whose), model

    def _handoff(self, session: Known, which: int) -> HandoffId:
        """Of the session's handoffs the last one, or the one before; where it has none, an id of none."""
        handoffs = self.models[session.account].sessions[SessionId(session.id)].handoffs
        return handoffs[-1 - which] if which < len(handoffs) else HandoffId(new_id())

    def _named(self, account: int, named: tuple[str, int, int] | None) -> tuple[TeamId | None, UserId | None]:
        if named is None:
            return None, None
        kind, away, person = named
        staff = self.staffs[(account + away) % ACCOUNTS]
        if kind == "person":
            return None, staff.people[person].user_id
        return (staff.network if kind == "team" else staff.bench).id, None

    def _started(self, account: int, person: int) -> SessionId:
        """The id of a new session, or of none where it may not be started."""
        by, model = self.staffs[account].people[person], self.models[account]
        done = self._do(account, self.product.sessions.start(by, title=f"canary{account}", problem=f"canary{account}"))
        session_id = done.session.id if isinstance(done, SessionDetail) else SessionId(new_id())
        self._agrees(account, by, done, lambda: model.start(by.user_id, session_id, at=self.clock.now()))
        self.owners[str(session_id)] = account
        return session_id

    def _do(self, account: int, doing: Awaitable[object]) -> object:
        return self.run(self._done(account, doing))

    async def _done(self, account: int, doing: Awaitable[object]) -> object:
        """What came of it, a refusal too; either tells of nobody else."""
        done = await self._outcome(doing)
        self._leaks_nothing(account, done)
        return done

    def _agrees(self, account: int, by: Person, done: object, expected: Callable[[], FlowPilotError | None]) -> None:
        """What came of it is what the model says; from somebody who has left nothing comes."""
        before = copy.deepcopy(self.models[account])
        refusal = expected()
        if refusal is None and not before.people[by.user_id].active:
            self.models[account], refusal = before, Unauthenticated()
        if refusal is None:
            assert not isinstance(done, FlowPilotError), done
        elif not (isinstance(done, Unauthenticated) and not before.people[by.user_id].active):
            assert facts(refusal) == self._facts(done)

    async def _outcome(self, doing: Awaitable[object]) -> object:
        try:
            return await doing
        except FlowPilotError as refused:
            return refused

    def _facts(self, done: object) -> object:
        return facts(done) if isinstance(done, FlowPilotError) else done

    def _leaks_nothing(self, account: int, seen: object) -> None:
        told = f"{seen!r} {seen}"
        assert {account} >= {int(number) for number in re.findall(r"canary(\d)", told)}
        assert {account} >= {self.owners[found] for found in _UUID.findall(told) if found in self.owners}


def _subject(thing: str) -> Subject:
    return Subject.TREE if thing == TREE else Subject.SCRIPT_TEMPLATE
