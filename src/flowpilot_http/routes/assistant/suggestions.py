"""Suggestions: next steps for the active branch, to be accepted or rejected."""

from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.assistant.suggestions import Choice, Decide, SuggestedOut, SuggestionOut, SuggestionsOut
from flowpilot_http.schemas.kernel import Nothing
from flowpilot_http.schemas.sessions import SessionDetailOut

part = Part("Suggestions")

SUGGESTIONS = "/ai-sessions/{session_id:str}/suggestions"
OF_ASSIGNEE = ("not_assignee", "invalid_transition")


@part.reads(SUGGESTIONS, SuggestionsOut)
async def suggestions(request: Call) -> Body:
    """Every suggestion for a session, newest first."""
    await request.wanted(Nothing)
    found = await request.flowpilot.suggestions.list(request.user, request.session_id)
    return request.shown(SuggestionsOut(items=[SuggestionOut.of(one) for one in found]))


@part.makes(SUGGESTIONS, SuggestedOut, body=Nothing, problems=OF_ASSIGNEE)
async def suggest(request: Call) -> Body:
    """Ask what to do next in the active branch: proposed at once, and one more to come where a model is asked too."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.suggestions.ask(request.user, request.session_id, request=change), SuggestedOut.all, status=201
    )


@part.moves(
    f"{SUGGESTIONS}/{{suggestion_id:str}}/decision", SessionDetailOut, body=Decide, problems=(*OF_ASSIGNEE, "walk_moved_on", "session_full")
)
async def decide(request: Call) -> Body:
    """Accept a suggestion, which makes it a step of its branch, or reject it. What waits in the tree is done, and the walk moves on."""
    decision = await request.read(Decide)
    return await request.changed(
        lambda change: request.flowpilot.suggestions.decide(
            request.user,
            request.session_id,
            request.suggestion_id,
            accept=decision.decision is Choice.ACCEPTED,
            doing=decision.doing(),
            reason=decision.reason,
            request=change,
        ),
        SessionDetailOut.shown,
    )


ROUTES = (suggestions, suggest, decide)
