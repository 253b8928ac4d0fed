"""Which documents have which words: kept up by the relay, one session, tree or script template at a time.

Words are rows, found by their key. Row security lets the application use no index of text search, whose operators are not leakproof; a
comparison of texts is. And ids are in the order of time, so that the newest that have a word are the last of it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Text, Uuid, any_, bindparam, cast, delete, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.knowledge.script_templates import SqlScriptTemplates
from flowpilot_adapters.sql.knowledge.trees import SqlTrees
from flowpilot_adapters.sql.outputs.outputs import SqlOutputs
from flowpilot_adapters.sql.queries import ACCOUNT, own
from flowpilot_adapters.sql.schema import event, search_document, search_spelling, search_word
from flowpilot_adapters.sql.sessions.sessions import SqlSessions
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.insights import searched
from flowpilot_core.domain.insights.search import Document, HitKind
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId, SessionId, TreeId
from flowpilot_core.domain.kernel.query import spellings, words

LONG: Final = 64 * 1024
"""Characters of a text whose words are looked for beside what else is to be done."""
SUBJECT: Final = bindparam("subject_id", type_=Uuid())
ID: Final = bindparam("id", type_=Uuid())
WORDS: Final = bindparam("words", type_=ARRAY(Text()))

# Two that look at one thing at once would each take out what the other put in.
LOCK: Final = compiled(
    "lock subject", select(func.pg_advisory_xact_lock(func.hashtextextended(cast(SUBJECT, Text()), literal_column("0"))))
)
KEPT: Final = compiled(
    "documents of subject",
    select(search_document).where(own(search_document), or_(search_document.c.session_id == SUBJECT, search_document.c.id == SUBJECT)),
)
REASONS: Final = compiled(
    "reasons of session",
    select(event.c.changed.op("->>")(literal_column("'reason'")).label("reason"))
    .where(own(event), event.c.session_id == SUBJECT, event.c.kind.in_(sorted(searched.REASONED)))
    .order_by(event.c.number),
)
_document = upsert(search_document).values({column: bindparam(column.name) for column in search_document.c})
KEEP: Final = compiled(
    "keep document",
    _document.on_conflict_do_update(
        index_elements=list(search_document.primary_key),
        set_={name: _document.excluded[name] for name in ("title", "text", "client_name", "at")},
    ),
)
DROP: Final = compiled("drop document", delete(search_document).where(own(search_document), search_document.c.id == ID))
_given = func.unnest(WORDS, bindparam("in_title", type_=ARRAY(Boolean()))).table_valued("word", "in_title").render_derived()
_word = upsert(search_word).from_select(
    ["account_id", "word", "id", "in_title"], select(ACCOUNT, _given.c.word, ID, cast(_given.c.in_title, Boolean()))
)
ADD_WORDS: Final = compiled(
    "add words",
    _word.on_conflict_do_update(index_elements=list(search_word.primary_key), set_={"in_title": _word.excluded.in_title}),
)
DROP_WORDS: Final = compiled(
    "drop words", delete(search_word).where(own(search_word), search_word.c.word == any_(WORDS), search_word.c.id == ID)
)
_spelt = func.unnest(bindparam("spellings", type_=ARRAY(Text())), WORDS).table_valued("spelling", "word").render_derived()
ADD_SPELLINGS: Final = compiled(
    "add spellings",
    upsert(search_spelling)
    .from_select(["account_id", "spelling", "word"], select(ACCOUNT, _spelt.c.spelling, _spelt.c.word))
    .on_conflict_do_nothing(),
)


class SqlSearchIndex:
    """Inside one unit of work."""

    def __init__(
        self, transaction: Transaction, sessions: SqlSessions, outputs: SqlOutputs, trees: SqlTrees, scripts: SqlScriptTemplates
    ) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id
        self._sessions = sessions
        self._outputs = outputs
        self._trees = trees
        self._scripts = scripts

    async def refresh(self, subject_id: UUID) -> None:
        """As `SearchIndex.refresh` says."""
        await self._transaction.read(LOCK(subject_id=subject_id))
        subject = {"account_id": self._account_id, "subject_id": subject_id}
        kept, told = await self._transaction.read(KEPT(**subject), REASONS(**subject))
        before = {row.id: _document_of(row) for row in kept.rows}
        now = {one.id: one for one in await self._documents(subject_id, [row.reason for row in told.rows])}
        new_words = set[str]()
        for gone in before.keys() - now.keys():
            self._drop(gone, await _tokens(before[gone]))
            self._transaction.write(DROP(account_id=self._account_id, id=gone))
        for one in now.values():
            was = before.get(one.id)
            if one == was:
                continue
            self._keep(one)
            had, has = {} if was is None else await _tokens(was), await _tokens(one)
            self._drop(one.id, had.keys() - has.keys())
            self._add(one.id, {word: in_title for word, in_title in has.items() if had.get(word) is not in_title})
            if one.is_titled and (was is None or one.title != was.title):
                new_words.update(words(one.title))
        self._spell(new_words)

    async def _documents(self, subject_id: UUID, reasons: Sequence[str]) -> Sequence[Document]:
        """All that it is or has, as it is now; of other accounts' or of what is gone there is nothing."""
        try:
            detail = await self._sessions.detail(SessionId(subject_id))
        except NotFound:
            return await self._template(subject_id)
        outputs = await self._outputs.of(detail.session.id)
        return (
            searched.of_session(detail.session, detail.steps, reasons),
            *(searched.of_handoff(one, detail.session) for one in detail.handoffs),
            *(searched.of_output(one, detail.session) for one in outputs),
        )

    async def _template(self, subject_id: UUID) -> Sequence[Document]:
        try:
            tree = await self._trees.get(TreeId(subject_id))
        except NotFound:
            return await self._script_template(subject_id)
        if not (tree.revision and searched.is_offered(tree)):
            return ()
        return (searched.of_tree(tree, await self._trees.revision(tree.id, tree.revision)),)

    async def _script_template(self, subject_id: UUID) -> Sequence[Document]:
        try:
            script = await self._scripts.get(ScriptTemplateId(subject_id))
        except NotFound:
            return ()
        if not (script.revision and searched.is_offered(script)):
            return ()
        return (searched.of_script_template(script, await self._scripts.revision(script.id, script.revision)),)

    def _keep(self, one: Document) -> None:
        self._transaction.write(
            KEEP(
                account_id=self._account_id,
                id=one.id,
                kind=one.kind,
                session_id=one.session_id,
                title=one.title,
                is_titled=one.is_titled,
                text=one.text,
                client_name=one.client_name,
                at=one.at,
            )
        )

    def _add(self, document_id: UUID, tokens: Mapping[str, bool]) -> None:
        if tokens:
            found = sorted(tokens.items())
            self._transaction.write(
                ADD_WORDS(
                    account_id=self._account_id, id=document_id, words=[word for word, _ in found], in_title=[title for _, title in found]
                )
            )

    def _drop(self, document_id: UUID, tokens: Iterable[str]) -> None:
        if dropped := sorted(tokens):
            self._transaction.write(DROP_WORDS(account_id=self._account_id, id=document_id, words=dropped))

    def _spell(self, titled: Iterable[str]) -> None:
        # In one order always, so that of two who add the same none waits for the other in turn.
        pairs = sorted(chain.from_iterable(((spelling, word) for spelling in spellings(word)) for word in titled))
        if pairs:
            self._transaction.write(
                ADD_SPELLINGS(account_id=self._account_id, spellings=[one for one, _ in pairs], words=[word for _, word in pairs])
            )


async def _tokens(document: Document) -> Mapping[str, bool]:
    if len(document.text) < LONG:
        return document.tokens
    return await asyncio.to_thread(lambda: document.tokens)


def _document_of(row: Any) -> Document:
    return Document(
        kind=HitKind(row.kind),
        id=row.id,
        session_id=row.session_id,
        title=row.title,
        is_titled=row.is_titled,
        text=row.text,
        client_name=row.client_name,
        at=row.at,
    )
