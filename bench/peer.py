"""The peer: the same four paths as a team in a hurry writes them, with the libraries that most would take.

FastAPI, the async ORM with a session a request and relationships that load themselves, answers through pydantic, an account looked for by
hand in every query and no row security. It keeps no idempotency keys, tells nobody and logs nothing.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import psycopg
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, Index, create_engine, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from sqlalchemy.types import DateTime

URL = "FLOWPILOT_BENCH_PEER_URL"
"""The variable that says where its tables are."""
engine = create_async_engine(os.environ.get(URL, "postgresql+asyncpg://"), pool_size=20, max_overflow=12)
begin = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}
    __table_args__: Any = {"schema": "peer"}


def _of(table: str) -> Any:
    return mapped_column(ForeignKey(f"peer.{table}.id"), index=True)


class Person(Base):
    __tablename__ = "person"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str]


class Session(Base):
    __tablename__ = "session"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[str]
    title: Mapped[str]
    problem: Mapped[str]
    client_name: Mapped[str | None]
    priority: Mapped[int]
    assignee_id: Mapped[UUID] = _of("person")
    package: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    branches: Mapped[list["Branch"]] = relationship(order_by="Branch.number")
    steps: Mapped[list["Step"]] = relationship(order_by="Step.number")
    handoffs: Mapped[list["Handoff"]] = relationship(back_populates="session")


class Branch(Base):
    __tablename__ = "branch"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    session_id: Mapped[UUID] = _of("session")
    number: Mapped[int]
    label: Mapped[str]
    hypothesis: Mapped[str | None]
    state: Mapped[str]


class Step(Base):
    __tablename__ = "step"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    session_id: Mapped[UUID] = _of("session")
    branch_id: Mapped[UUID] = _of("branch")
    number: Mapped[int]
    kind: Mapped[str]
    content: Mapped[str]
    result: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Handoff(Base):
    __tablename__ = "handoff"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID]
    session_id: Mapped[UUID] = _of("session")
    state: Mapped[str] = mapped_column(default="open")
    reason: Mapped[str]
    priority: Mapped[int]
    snapshot: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    escalated_by: Mapped[UUID] = _of("person")
    escalated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_by: Mapped[UUID | None] = _of("person")
    claimed_at: Mapped[datetime | None]
    branch_count: Mapped[int]
    step_count: Mapped[int]
    session: Mapped[Session] = relationship(back_populates="handoffs")
    escalator: Mapped[Person] = relationship(foreign_keys=[escalated_by])
    __table_args__ = (Index("queue", "account_id", "state", "priority", "escalated_at", "id"), {"schema": "peer"})


class HandOff(BaseModel):
    intent: str
    reason: str


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class BranchOut(Out):
    id: UUID
    label: str
    hypothesis: str | None
    state: str


class StepOut(Out):
    id: UUID
    branch_id: UUID
    number: int
    kind: str
    content: str
    result: str | None
    created_at: datetime


class HandoffOut(Out):
    id: UUID
    session_id: UUID
    state: str
    reason: str
    priority: int
    escalated_by: UUID
    escalated_at: datetime
    claimed_by: UUID | None
    claimed_at: datetime | None


class SessionOut(Out):
    id: UUID
    status: str
    title: str
    problem: str
    client_name: str | None
    priority: int
    assignee_id: UUID
    created_at: datetime
    branches: list[BranchOut]
    steps: list[StepOut]


class SessionDetailOut(SessionOut):
    handoffs: list[HandoffOut]


class QueueItemOut(BaseModel):
    handoff_id: UUID
    session_id: UUID
    title: str
    client_name: str | None
    escalated_by: str
    reason: str
    priority: int
    escalated_at: datetime
    waiting_seconds: int
    branch_count: int
    step_count: int


class QueueOut(BaseModel):
    items: list[QueueItemOut]
    next_cursor: str | None


async def database() -> AsyncIterator[AsyncSession]:
    async with begin() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


async def signed_in(database: Database, authorization: Annotated[str, Header()]) -> Person:
    person = await database.get(Person, UUID(authorization.removeprefix("Bearer ")))
    if person is None:
        raise HTTPException(401)
    return person


SignedIn = Annotated[Person, Depends(signed_in)]
app = FastAPI()


async def session_of(database: AsyncSession, session_id: UUID, person: Person, *more: Any) -> Session:
    query = select(Session).where(Session.id == session_id, Session.account_id == person.account_id)
    found = await database.scalar(query.options(selectinload(Session.branches), selectinload(Session.steps), *more))
    if found is None:
        raise HTTPException(404)
    return found


@app.post("/ai-sessions/{session_id}/handoff", status_code=201)
async def hand_off(session_id: UUID, body: HandOff, database: Database, person: SignedIn) -> HandoffOut:
    session = await session_of(database, session_id, person)
    if session.status != "active":
        raise HTTPException(409)
    colleagues = (await database.scalars(select(Person).where(Person.account_id == person.account_id, Person.id != person.id))).all()
    handoff = Handoff(
        account_id=person.account_id,
        session_id=session.id,
        reason=body.reason,
        priority=session.priority,
        snapshot=SessionOut.model_validate(session).model_dump(mode="json"),
        escalated_by=person.id,
        branch_count=len(session.branches),
        step_count=len(session.steps),
    )
    database.add(handoff)
    session.status = "escalated"
    session.package = {"reason": body.reason, "told": len(colleagues)}
    await database.commit()
    await database.refresh(handoff)
    return HandoffOut.model_validate(handoff)


@app.post("/handoffs/{handoff_id}/claim")
async def claim(handoff_id: UUID, database: Database, person: SignedIn) -> HandoffOut:
    query = select(Handoff).where(Handoff.id == handoff_id, Handoff.account_id == person.account_id)
    handoff = await database.scalar(query.options(selectinload(Handoff.session)).with_for_update())
    if handoff is None:
        raise HTTPException(404)
    if handoff.state != "open":
        raise HTTPException(409)
    handoff.state, handoff.claimed_by, handoff.claimed_at = "claimed", person.id, datetime.now(UTC)
    handoff.session.status, handoff.session.assignee_id = "active", person.id
    await database.commit()
    await database.refresh(handoff)
    return HandoffOut.model_validate(handoff)


@app.get("/handoffs/queue")
async def queue(database: Database, person: SignedIn, limit: Annotated[int, Query(le=200)] = 50, cursor: str | None = None) -> QueueOut:
    query = select(Handoff).where(Handoff.account_id == person.account_id, Handoff.state == "open")
    if cursor:
        priority, at, last = cursor.split("_")
        place = tuple_(Handoff.priority, Handoff.escalated_at, Handoff.id)
        query = query.where(place > tuple_(int(priority), datetime.fromisoformat(at), UUID(last)))
    query = query.options(selectinload(Handoff.session), selectinload(Handoff.escalator))
    found = (await database.scalars(query.order_by(Handoff.priority, Handoff.escalated_at, Handoff.id).limit(limit))).all()
    now = datetime.now(UTC)
    items = [
        QueueItemOut(
            handoff_id=one.id,
            session_id=one.session_id,
            title=one.session.title,
            client_name=one.session.client_name,
            escalated_by=one.escalator.name,
            reason=one.reason,
            priority=one.priority,
            escalated_at=one.escalated_at,
            waiting_seconds=int((now - one.escalated_at).total_seconds()),
            branch_count=one.branch_count,
            step_count=one.step_count,
        )
        for one in found
    ]
    end = found[-1] if len(found) == limit else None
    return QueueOut(items=items, next_cursor=f"{end.priority}_{end.escalated_at.isoformat()}_{end.id}" if end else None)


@app.get("/ai-sessions/{session_id}")
async def get_session(session_id: UUID, database: Database, person: SignedIn) -> SessionDetailOut:
    return SessionDetailOut.model_validate(await session_of(database, session_id, person, selectinload(Session.handoffs)))


def fill(url: str) -> None:
    """Make the peer's tables, in the database that has those of the least, and what they hold from those."""
    copies = {
        "person": "id, account_id, name",
        "session": "id, account_id, status, title, problem, client_name, priority, assignee_id, created_at, updated_at",
        "branch": "id, session_id, number, label, hypothesis, state",
        "step": "id, session_id, branch_id, number, kind, content, result, created_at",
        "handoff": "id, account_id, session_id, state, reason, priority, escalated_by, escalated_at, branch_count, step_count",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA peer")
    tables = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(tables)
    tables.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for table, columns in copies.items():
            more, value = (", snapshot", ", '{}'::jsonb") if table == "handoff" else ("", "")
            connection.execute(f"INSERT INTO peer.{table} ({columns}{more}) SELECT {columns}{value} FROM public.{table}".encode())
        connection.execute("VACUUM ANALYZE")
