"""How assessments and suggestions are counted."""

from functools import cache

from sqlalchemy import ColumnElement, FromClause, func, select

from flowpilot_adapters.sql.insights.counting import by_word, called, constant, count, counting, grouped_by, in_time, total
from flowpilot_adapters.sql.insights.escalations import READABLE
from flowpilot_adapters.sql.queries import if_given, own
from flowpilot_adapters.sql.schema import assessment, assessment_feedback, handoff, session, suggestion
from flowpilot_adapters.sql.statement import Statement
from flowpilot_core.domain.assistant.assessment import FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.insights.analytics import GroupBy
from flowpilot_core.domain.insights.facts import NOBODY
from flowpilot_core.domain.insights.tallying import SUGGESTED


@cache
def assessments(group_by: GroupBy | None) -> Statement:
    """Counts assessments that were asked for in the time, and what people think of them."""
    asked = _asked(group_by)
    counts = {
        **{str(verdict): total(asked.c[verdict]) for verdict in FeedbackVerdict},
        **{name: total(asked.c[name]) for name in ("cited", "dropped", "tokens")},
    }
    return counting(f"figures of assessments, {group_by}", asked, counts, (), group_by)


@cache
def assessments_by_word(group_by: GroupBy | None) -> Statement:
    """Counts the same assessments by state and provider."""
    asked = _asked(group_by)
    return by_word(f"words of assessments, {group_by}", select(asked.c.key, called("assessments.", asked.c.state, "_", asked.c.provider)))


@cache
def suggestions(group_by: GroupBy | None) -> Statement:
    """Counts suggestions that were asked for in the time."""
    columns = {GroupBy.PROVIDER: suggestion.c.source, GroupBy.PROMPT_VERSION: constant("NULL")}
    asked = (
        select(grouped_by(group_by, suggestion.c.requested_at, columns), suggestion.c.state)
        .select_from(suggestion.join(session, own(session) & (session.c.id == suggestion.c.session_id) & READABLE))
        .where(own(suggestion), in_time(suggestion.c.requested_at), if_given(session.c.team_id, "team_id"))
        .subquery("asked")
    )
    counts = {
        "suggestions": count(asked.c.state.in_(sorted(SUGGESTED))),
        "accepted": count(asked.c.state == SuggestionState.ACCEPTED),
        "rejected": count(asked.c.state == SuggestionState.REJECTED),
    }
    return counting(f"figures of suggestions, {group_by}", asked, counts, (), group_by)


def _asked(group_by: GroupBy | None) -> FromClause:
    columns = {GroupBy.PROVIDER: assessment.c.provider, GroupBy.PROMPT_VERSION: assessment.c.prompt_version}
    return (
        select(
            grouped_by(group_by, assessment.c.requested_at, columns),
            *(assessment.c[name] for name in ("state", "cited", "dropped")),
            func.coalesce(assessment.c.provider, constant(f"'{NOBODY}'")).label("provider"),
            (assessment.c.tokens_in + assessment.c.tokens_out).label("tokens"),
            *(_judged(verdict).label(verdict) for verdict in FeedbackVerdict),
        )
        .select_from(assessment.join(handoff, own(handoff) & (handoff.c.id == assessment.c.handoff_id)))
        .where(own(assessment), in_time(assessment.c.requested_at), if_given(handoff.c.team_id, "team_id"))
        .subquery("asked")
    )


def _judged(verdict: FeedbackVerdict) -> ColumnElement[int]:
    return (
        select(func.count())
        .select_from(assessment_feedback)
        .where(own(assessment_feedback), assessment_feedback.c.assessment_id == assessment.c.id, assessment_feedback.c.verdict == verdict)
        .scalar_subquery()
    )
