"""The assessments of one account, inside one unit of work, and what a view shows of them."""

from typing import Any, Final

from sqlalchemy import Integer, Text, Uuid, bindparam, cast, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own, queue_rank_of
from flowpilot_adapters.sql.records import assistant as records
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.schema import assessment, assessment_feedback, due_work, handoff, person, session
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, AssessmentState
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, AssessmentId, HandoffId, UserId
from flowpilot_core.ports.assistant import JudgedAssessment
from flowpilot_core.ports.relay import WorkKind

ID: Final = bindparam("id", type_=Uuid())
HANDOFF_ID: Final = bindparam("handoff_id", type_=Uuid())

GET: Final = compiled("assessment", select(*columns_but_account(assessment)).where(own(assessment), assessment.c.id == ID))
_added = (
    insert(assessment)
    .values({column: bindparam(column.name) for column in assessment.c})
    .returning(assessment.c.id, assessment.c.handoff_id)
    .cte("added")
)
ADD: Final = compiled(
    "add assessment",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes", "queue_rank"],
        select(
            ACCOUNT,
            _added.c.id,
            literal_column(f"'{WorkKind.ASSESSMENT}'"),
            func.now(),
            literal_column("0"),
            queue_rank_of(_added.c.handoff_id),
        ),
    ),
)
CHANGING: Final = (
    "state",
    "made_at",
    "provider",
    "model",
    "prompt_version",
    "tokens_in",
    "tokens_out",
    "cost_micros",
    "latency_ms",
    "problem",
    "body",
    "cited",
    "dropped",
)
SAVE: Final = compiled(
    "save assessment",
    update(assessment)
    .where(assessment.c.account_id == ACCOUNT, assessment.c.id == bindparam("assessment_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING}),
)
SHOW_HEADLINE: Final = compiled(
    "show headline",
    update(handoff).where(own(handoff), handoff.c.id == bindparam("assessed_id")).values(headline=bindparam("new_headline")),
)
_package = session.c.escalation_package
SHOW_IN_PACKAGE: Final = compiled(
    "show in package",
    update(session)
    .where(
        own(session),
        own(handoff),
        handoff.c.id == bindparam("assessed_id"),
        session.c.id == handoff.c.session_id,
        func.jsonb_extract_path_text(_package, literal_column("'handoff_id'")) == cast(handoff.c.id, Text),
    )
    .values(escalation_package=func.jsonb_set(_package, literal_column("'{assessment}'"), bindparam("document", type_=_package.type))),
)
_judgement = upsert(assessment_feedback).values({column: bindparam(column.name) for column in assessment_feedback.c})
JUDGE: Final = compiled(
    "judge assessment",
    _judgement.on_conflict_do_update(
        index_elements=list(assessment_feedback.primary_key),
        set_={column: _judgement.excluded[column] for column in ("verdict", "comment", "at")},
    ),
)
_page = (
    select(assessment.c.id)
    .where(own(assessment), assessment.c.handoff_id == HANDOFF_ID, assessment.c.id < bindparam("before", type_=Uuid()))
    .order_by(assessment.c.id.desc())
    .limit(bindparam("most", type_=Integer()))
)
PAGE: Final = compiled(
    "assessments",
    select(*columns_but_account(assessment), person.c.name.label("requested_by_name"))
    .select_from(assessment.outerjoin(person, own(person) & (person.c.id == assessment.c.requested_by)))
    .where(own(assessment), assessment.c.id.in_(_page))
    .order_by(assessment.c.id.desc()),
)
FEEDBACK: Final = compiled(
    "feedback on assessments",
    select(*columns_but_account(assessment_feedback), person.c.name)
    .join_from(assessment_feedback, person, own(person) & (person.c.id == assessment_feedback.c.user_id))
    .where(own(assessment_feedback), assessment_feedback.c.assessment_id.in_(_page))
    .order_by(assessment_feedback.c.at, assessment_feedback.c.user_id),
)


def page_calls(account_id: AccountId, handoff_id: HandoffId, *, before: Any, most: int) -> list[Call]:
    """What reads a page of the assessments of a handoff."""
    of_handoff = {"account_id": account_id, "handoff_id": handoff_id, "before": before, "most": most}
    return [statement(**of_handoff) for statement in (PAGE, FEEDBACK)]


def page_of(results: list[Result]) -> list[JudgedAssessment]:
    """What the results of `page_calls` say."""
    found, feedback = results
    page = []
    for row in found.rows:
        said = [one for one in feedback.rows if one.assessment_id == row.id]
        names = {UserId(one.user_id): one.name for one in said}
        if row.requested_by:
            names[UserId(row.requested_by)] = row.requested_by_name
        judged = JudgedAssessment(
            assessment=records.assessment(row), feedback=tuple(records.assessment_feedback(one) for one in said), names=names
        )
        page.append(judged)
    return page


class SqlAssessments:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, new: Assessment) -> None:
        """As `Assessments.add` says, in one statement."""
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                handoff_id=new.handoff_id,
                snapshot_digest=new.snapshot_digest,
                requested_by=new.requested_by,
                requested_at=new.requested_at,
                **_changing(new),
            )
        )

    async def get(self, assessment_id: AssessmentId) -> Assessment:
        """As `Assessments.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=assessment_id))
        if found.first is None:
            raise NotFound("assessment")
        return records.assessment(found.first)

    async def save(self, changed: Assessment) -> None:
        """As `Assessments.save` says; the handoff is locked before its session, as everywhere."""
        if changed.state is AssessmentState.READY and changed.diagnosis:
            of_handoff = {"account_id": self._account_id, "assessed_id": changed.handoff_id}
            self._transaction.write(SHOW_HEADLINE(**of_handoff, new_headline=changed.diagnosis.headline))
            self._transaction.write(SHOW_IN_PACKAGE(**of_handoff, document=kernel_records.document(changed.plain())))
        values = {f"new_{name}": value for name, value in _changing(changed).items()}
        self._transaction.write(SAVE(account_id=self._account_id, assessment_id=changed.id, **values))

    async def judge(self, feedback: AssessmentFeedback) -> None:
        """As `Assessments.judge` says."""
        self._transaction.write(
            JUDGE(
                account_id=self._account_id,
                assessment_id=feedback.assessment_id,
                user_id=feedback.user_id,
                verdict=feedback.verdict,
                comment=feedback.comment,
                at=feedback.at,
            )
        )


def _changing(one: Assessment) -> dict[str, Any]:
    """The columns that moves change."""
    origin = one.origin
    return {
        "state": one.state,
        "made_at": one.made_at,
        "provider": origin and origin.provider,
        "model": origin and origin.model,
        "prompt_version": origin and origin.prompt_version,
        "tokens_in": origin.tokens_in if origin else 0,
        "tokens_out": origin.tokens_out if origin else 0,
        "cost_micros": origin and origin.cost_micros,
        "latency_ms": origin.latency_ms if origin else 0,
        "problem": one.problem,
        "body": kernel_records.document(one.diagnosis.plain()) if one.diagnosis else None,
        "cited": one.diagnosis.citations if one.diagnosis else 0,
        "dropped": one.diagnosis.dropped_citations if one.diagnosis else 0,
    }
