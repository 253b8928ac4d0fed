"""What is proposed to one account from what was solved."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, any_, bindparam, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import ACCOUNT, HIGHEST, LIMIT, if_given, only_saved, own
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.schema import due_work, event, session, tree_proposal, tree_proposal_session
from flowpilot_adapters.sql.sessions.view import READER, READS_ALL, reads
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import EventId, SessionId, TreeId, TreeProposalId
from flowpilot_core.domain.knowledge.content import NodeId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.proposal import ProposalKind, ProposalState, TreeProposal
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.knowledge import MOST_SESSIONS, SessionNamed
from flowpilot_core.ports.relay import WorkKind

from .trees import account_of

PROPOSAL_ID: Final = bindparam("proposal_id", type_=Uuid())
SESSION_IDS: Final = bindparam("session_ids", type_=ARRAY(Uuid))
PROPOSAL_IDS: Final = bindparam("proposal_ids", type_=ARRAY(Uuid))

ASK: Final = compiled(
    "ask for tree proposal",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes", "target"],
        select(
            ACCOUNT,
            bindparam("work_id", type_=Uuid()),
            literal_column(f"'{WorkKind.TREE_PROPOSAL}'"),
            event.c.at,
            literal_column("0"),
            event.c.session_id,
        ).where(own(event), event.c.id == bindparam("caused_by", type_=event.c.id.type)),
    ),
)
GET: Final = compiled("tree proposal", select(tree_proposal).where(own(tree_proposal), tree_proposal.c.id == PROPOSAL_ID))
LISTED: Final = compiled(
    "tree proposals",
    select(tree_proposal)
    .where(own(tree_proposal), tree_proposal.c.id < bindparam("before", type_=Uuid()), if_given(tree_proposal.c.state, "state"))
    .order_by(tree_proposal.c.id.desc())
    .limit(LIMIT),
)
AT_NODE: Final = compiled(
    "tree proposal at node",
    select(tree_proposal).where(
        own(tree_proposal),
        tree_proposal.c.tree_account_id == bindparam("of_account_id", type_=Uuid()),
        tree_proposal.c.tree_id == bindparam("of_tree_id", type_=Uuid()),
        tree_proposal.c.at_node_id == bindparam("node_id", type_=Text()),
    ),
)
_covering = select(tree_proposal_session.c.proposal_id).where(
    own(tree_proposal_session),
    tree_proposal_session.c.session_id == any_(SESSION_IDS),
    tree_proposal_session.c.kind == literal_column(f"'{ProposalKind.NEW_TREE}'"),
)
COVERING: Final = compiled(
    "tree proposal covering",
    select(tree_proposal).where(own(tree_proposal), tree_proposal.c.id.in_(_covering)).order_by(tree_proposal.c.id).limit(1),
)
ADD: Final = compiled("add tree proposal", insert(tree_proposal).values({column: bindparam(column.name) for column in tree_proposal.c}))
JOIN: Final = compiled(
    "join tree proposal",
    upsert(tree_proposal_session)
    .from_select(
        ["account_id", "proposal_id", "kind", "session_id"],
        select(ACCOUNT, PROPOSAL_ID, bindparam("kind", type_=Text()), func.unnest(SESSION_IDS)),
    )
    .on_conflict_do_nothing(index_elements=list(tree_proposal_session.primary_key)),
)
_DECIDED: Final = ("state", "reason", "draft_tree_id", "decided_by", "decided_at")
SAVE: Final = only_saved(
    "decide on tree proposal",
    update(tree_proposal)
    .where(own(tree_proposal), tree_proposal.c.id == PROPOSAL_ID, tree_proposal.c.state == ProposalState.OPEN)
    .values({name: bindparam(f"new_{name}") for name in _DECIDED}),
    STALE,
)
_place = func.row_number().over(partition_by=tree_proposal_session.c.proposal_id, order_by=session.c.id.desc()).label("place")
_leading = (
    select(tree_proposal_session.c.proposal_id, session.c.id, session.c.title, _place)
    .select_from(tree_proposal_session.join(session, own(session) & (session.c.id == tree_proposal_session.c.session_id)))
    .where(
        own(tree_proposal_session),
        tree_proposal_session.c.proposal_id == any_(PROPOSAL_IDS),
        or_(session.c.status != Status.PARKED, READS_ALL, any_(session.c.parked_with) == READER),
    )
    .subquery("leading")
)
SESSIONS: Final = compiled(
    "sessions of tree proposals",
    select(_leading).where(_leading.c.place <= MOST_SESSIONS).order_by(_leading.c.proposal_id, _leading.c.place),
)


class SqlTreeProposals:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def ask(self, work_id: UUID, *, caused_by: EventId) -> None:
        """As `TreeProposals.ask` says, in one statement behind the event."""
        self._transaction.react(ASK(account_id=self._account_id, work_id=work_id, caused_by=caused_by))

    async def get(self, proposal_id: TreeProposalId) -> TreeProposal:
        """As `TreeProposals.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, proposal_id=proposal_id))
        if found.first is None:
            raise NotFound("tree proposal")
        return records.tree_proposal(found.first)

    async def listed(self, state: ProposalState | None, *, after: TreeProposalId | None, limit: int) -> Sequence[TreeProposal]:
        """As `TreeProposals.listed` says."""
        (found,) = await self._transaction.read(LISTED(account_id=self._account_id, state=state, before=after or HIGHEST, most=limit))
        return [records.tree_proposal(row) for row in found.rows]

    async def at_node(self, tree: Ref[TreeId], node_id: NodeId) -> TreeProposal | None:
        """As `TreeProposals.at_node` says."""
        of_account_id = account_of(tree, self._account_id)
        (found,) = await self._transaction.read(
            AT_NODE(account_id=self._account_id, of_account_id=of_account_id, of_tree_id=tree.id, node_id=node_id)
        )
        return None if found.first is None else records.tree_proposal(found.first)

    async def covering(self, session_ids: Collection[SessionId]) -> TreeProposal | None:
        """As `TreeProposals.covering` says."""
        (found,) = await self._transaction.read(COVERING(account_id=self._account_id, session_ids=list(session_ids)))
        return None if found.first is None else records.tree_proposal(found.first)

    async def add(self, proposal: TreeProposal, session_ids: Collection[SessionId]) -> None:
        """As `TreeProposals.add` says."""
        way_on = proposal.way_on
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=proposal.id,
                kind=proposal.kind,
                session_id=proposal.session_id,
                tree_account_id=account_of(None if way_on is None else way_on.tree, self._account_id),
                tree_id=way_on and way_on.tree.id,
                at_node_id=way_on and way_on.node_id,
                answer=way_on and way_on.answer,
                name=proposal.name,
                content=documents.written(proposal.content),
                created_at=proposal.created_at,
                **_decided(proposal),
            )
        )
        self._join(proposal, session_ids)

    async def join(self, proposal: TreeProposal, session_id: SessionId) -> None:
        """As `TreeProposals.join` says."""
        self._join(proposal, [session_id])

    async def save(self, proposal: TreeProposal) -> None:
        """As `TreeProposals.save` says; which it is shows when it is written."""
        new = {f"new_{name}": value for name, value in _decided(proposal).items()}
        self._transaction.write(SAVE(account_id=self._account_id, proposal_id=proposal.id, **new))

    async def sessions(self, proposal_ids: Collection[TreeProposalId], reader: Actor) -> Mapping[TreeProposalId, Sequence[SessionNamed]]:
        """As `TreeProposals.sessions` says."""
        (found,) = await self._transaction.read(SESSIONS(account_id=self._account_id, proposal_ids=list(proposal_ids), **reads(reader)))
        leading: dict[TreeProposalId, list[SessionNamed]] = {one: [] for one in proposal_ids}
        for row in found.rows:
            leading[row.proposal_id].append(SessionNamed(id=row.id, title=row.title))
        return leading

    def _join(self, proposal: TreeProposal, session_ids: Collection[SessionId]) -> None:
        self._transaction.write(
            JOIN(account_id=self._account_id, proposal_id=proposal.id, kind=proposal.kind, session_ids=list(session_ids))
        )


def _decided(proposal: TreeProposal) -> dict[str, Any]:
    return {name: getattr(proposal, name) for name in _DECIDED}
