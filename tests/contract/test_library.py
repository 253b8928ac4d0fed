"""The first library comes to the platform's account once, and anew where this version has it otherwise and nobody touched it."""

from asyncio import gather
from collections.abc import AsyncIterator, Callable

import pytest
from attrs import evolve, field, frozen

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.scripts.reading import read_script
from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.access.accounts import Accounts
from flowpilot_core.application.flowpilot import wake_nobody
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.knowledge.library import BringLibrary, Brought, Library
from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.domain.knowledge.content import Content
from flowpilot_core.domain.knowledge.gallery import GalleryEntry
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script_template import InvalidScript
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.knowledge import GalleryFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, SetClock
from flowpilot_http.library import library
from tests.support.postgres import PostgresDatabase

pytestmark = pytest.mark.anyio

SOME = evolve(library(), trees=library().trees[:3], scripts=library().scripts[:5])
NOTHING = Brought(new=0, changed=0)


@frozen(kw_only=True)
class Installation:
    begin: BeginWork[UnitOfWork]
    view: ViewOf[View]
    clock: SetClock = field(factory=SetClock)

    async def brings(self, brought: Library) -> Brought:
        """What a version with this library does when it is installed."""
        self.clock.jump(MINUTE)
        units = Units[UnitOfWork](begin=self.begin, committed=wake_nobody, new_id=new_id)
        return await BringLibrary(units=units, clock=self.clock, read_script=read_script)(brought)

    async def somebody(self) -> Person:
        """An admin of the platform's account."""
        accounts = Accounts(begin=self.begin, view=self.view, clock=self.clock, new_id=new_id, new_secret=new_secret)
        user = await accounts.add_user(PLATFORM_ACCOUNT, email="pia@example.test", name="Pia", role=Role.ADMIN)
        return Person(account_id=PLATFORM_ACCOUNT, user_id=user.id, role=Role.ADMIN, name=user.name)

    async def first(self) -> Tree:
        async with self.begin(PLATFORM_ACCOUNT) as work:
            return await work.trees.get(SOME.trees[0].id)

    async def content(self) -> Content:
        async with self.begin(PLATFORM_ACCOUNT) as work:
            tree = await work.trees.get(SOME.trees[0].id)
            assert tree.revision is not None
            return (await work.trees.revision(tree.id, tree.revision)).content

    async def does(self, move: Callable[[Tree], Tree]) -> Tree:
        """Somebody does something to the first tree; what they left."""
        self.clock.jump(MINUTE)
        async with self.begin(PLATFORM_ACCOUNT) as work:
            saved = await work.trees.save(move(await work.trees.get(SOME.trees[0].id)))
            await work.commit()
        return saved


@pytest.fixture
async def in_memory() -> Installation:
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    async with store.begin(PLATFORM_ACCOUNT) as work:
        await work.people.add_account(Account(id=PLATFORM_ACCOUNT, name="FlowPilot", created_at=NOON))
        await work.commit()
    return Installation(begin=store.begin, view=store.view)


@pytest.fixture
async def in_postgres(own_database: PostgresDatabase) -> AsyncIterator[Installation]:
    database = Database(own_database.app, pool_size=2)
    try:
        yield Installation(begin=database.begin, view=database.view)
    finally:
        await database.close()


@pytest.fixture(params=["in_memory", pytest.param("in_postgres", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest) -> Installation:
    found: Installation = request.getfixturevalue(request.param)
    return found


def with_another_first(change: Callable[[str], str]) -> Library:
    """The library of a version in which the first tree says something else."""
    first, *others = SOME.trees
    nodes = first.content.nodes
    content = evolve(first.content, nodes=(evolve(nodes[0], text=change(nodes[0].text)), *nodes[1:]))
    return evolve(SOME, trees=(evolve(first, content=content, description="Other words"), *others))


NEWER = with_another_first(lambda text: f"Since when? {text}")


async def test_a_fresh_installation_has_all_of_it_published_and_every_account_reads_it(installation: Installation) -> None:
    whole = library()

    assert Brought(new=len(whole.trees) + len(whole.scripts), changed=0) == await installation.brings(whole)

    async with installation.begin(AccountId(new_id())) as work:
        for wanted in whole.trees:
            tree = await work.trees.get(wanted.id)
            assert (TemplateState.PUBLISHED, 1, Owner.PLATFORM, wanted.name) == (tree.state, tree.revision, tree.owner, tree.name)
            assert Ref(id=wanted.category_id, owner=Owner.PLATFORM) == tree.category
            assert wanted.content == (await work.trees.revision(tree.id, 1)).content
        for script in whole.scripts:
            template = await work.script_templates.get(script.id)
            assert (TemplateState.PUBLISHED, 1, Owner.PLATFORM, script.name) == (
                template.state,
                template.revision,
                template.owner,
                template.name,
            )
            assert script.content == (await work.script_templates.revision(template.id, 1)).content
        assert {one.id for one in whole.categories} == {one.id for one in await work.tree_categories.all()}
    shown = await installation.view(AccountId(new_id())).gallery(GalleryFilter(), after=None, limit=1000)
    assert {*(tree.id for tree in whole.trees), *(script.id for script in whole.scripts)} == {one.entry.id for one in shown}


async def test_what_the_platform_took_out_of_the_gallery_is_not_listed_by_a_newer_version(installation: Installation) -> None:
    await installation.brings(SOME)
    entry = GalleryEntry(subject=Subject.TREE, id=SOME.trees[0].id, listed=False)
    async with installation.begin(PLATFORM_ACCOUNT) as work:
        await work.gallery.save(entry)
        await work.commit()

    await installation.brings(NEWER)

    async with installation.begin(PLATFORM_ACCOUNT) as work:
        assert entry == await work.gallery.get(Subject.TREE, entry.id)


async def test_bringing_it_again_changes_nothing(installation: Installation) -> None:
    await installation.brings(SOME)
    before = await installation.first()

    assert NOTHING == await installation.brings(SOME)
    assert before == await installation.first()


async def test_a_newer_version_publishes_anew_what_nobody_touched(installation: Installation) -> None:
    await installation.brings(SOME)

    assert Brought(new=0, changed=1) == await installation.brings(NEWER)

    tree = await installation.first()
    assert (2, "Other words", None) == (tree.revision, tree.description, tree.draft)
    assert NEWER.trees[0].content == await installation.content()
    assert Brought(new=0, changed=1) == await installation.brings(SOME)
    assert NOTHING == await installation.brings(SOME)


async def test_a_newer_version_publishes_anew_a_script_that_nobody_touched(installation: Installation) -> None:
    await installation.brings(SOME)
    first, *others = SOME.scripts
    newer = evolve(first, content=evolve(first.content, body=f"{first.content.body}Write-Output 'Done.'\n"))

    assert Brought(new=0, changed=1) == await installation.brings(evolve(SOME, scripts=(newer, *others)))

    async with installation.begin(PLATFORM_ACCOUNT) as work:
        assert 2 == (await work.script_templates.get(first.id)).revision
        assert newer.content == (await work.script_templates.revision(first.id, 2)).content


async def test_a_script_that_cannot_be_published_is_not_brought(installation: Installation) -> None:
    first = SOME.scripts[0]
    wrong = evolve(first, content=evolve(first.content, body="Write-Output 'to {{ hours }}'\n"))

    with pytest.raises(InvalidScript):
        await installation.brings(evolve(SOME, scripts=(wrong,)))

    async with installation.begin(PLATFORM_ACCOUNT) as work:
        with pytest.raises(NotFound):
            await work.script_templates.get(first.id)


async def test_what_somebody_renamed_stays_so(installation: Installation) -> None:
    await installation.brings(SOME)
    pia = await installation.somebody()
    kept = await installation.does(
        lambda tree: tree.renamed(name="Ours", description=None, category=tree.category, by=pia, at=installation.clock.now())
    )

    assert NOTHING == await installation.brings(NEWER)
    assert kept == await installation.first()


async def test_what_somebody_has_a_draft_of_stays_so(installation: Installation) -> None:
    await installation.brings(SOME)
    pia = await installation.somebody()
    kept = await installation.does(lambda tree: tree.edited(SOME.trees[1].content, by=pia, at=installation.clock.now()))

    assert NOTHING == await installation.brings(NEWER)
    assert kept == await installation.first()


async def test_what_somebody_archived_stays_so(installation: Installation) -> None:
    await installation.brings(SOME)
    pia = await installation.somebody()
    kept = await installation.does(lambda tree: tree.archived(by=pia, at=installation.clock.now()))

    assert NOTHING == await installation.brings(NEWER)
    assert kept == await installation.first()


async def test_what_somebody_published_themselves_stays_so(installation: Installation) -> None:
    await installation.brings(SOME)
    pia, at = await installation.somebody(), installation.clock.now()
    async with installation.begin(PLATFORM_ACCOUNT) as work:
        edited = (await work.trees.get(SOME.trees[0].id)).edited(NEWER.trees[0].content, by=pia, at=at)
        tree, revision = edited.published(None, dict.fromkeys((one.id for one in library().scripts), 1), by=pia, at=at)
        kept = await work.trees.save(tree)
        await work.trees.add_revision(tree.id, revision)
        await work.commit()

    assert NOTHING == await installation.brings(SOME)
    assert kept == await installation.first()


@pytest.mark.postgres
async def test_two_that_bring_it_at_once_bring_it_once(in_postgres: Installation) -> None:
    done = await gather(*(in_postgres.brings(SOME) for _ in range(2)))

    assert len(SOME.trees) + len(SOME.scripts) == sum(one.new for one in done)
    assert 1 == (await in_postgres.first()).revision
