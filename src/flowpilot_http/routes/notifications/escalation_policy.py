"""Who is told when: the escalation policy, how you want to be told, and what would happen if."""

from flowpilot_core.domain.kernel.identifiers import SessionId, TeamId, UserId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Nothing
from flowpilot_http.schemas.notifications.escalation_policy import PolicyIO, PreferencesIO, PreviewOut, PreviewPolicy, PreviewWanted

part = Part("Escalation policy")


@part.reads("/escalation-policy", PolicyIO, problems=FORBIDDEN)
async def get_policy(request: Call) -> Body:
    """Whom to tell, and when, while nobody takes an escalation of your account."""
    await request.wanted(Nothing)
    return request.shown(PolicyIO.of(await request.flowpilot.escalation.policy(request.user)))


@part.sets("/escalation-policy", PolicyIO, body=PolicyIO, problems=("not_found",))
async def set_policy(request: Call) -> Body:
    """Replace the policy: for what is escalated from now on, and for the steps still to come of what waits."""
    policy = (await request.read(PolicyIO)).policy()
    return await request.changed(lambda change: request.flowpilot.escalation.set_policy(request.user, policy, request=change), PolicyIO.of)


@part.asks("/escalation-policy/preview", PreviewOut, body=PreviewPolicy, problems=("not_found",))
async def preview_policy(request: Call) -> Body:
    """Who would be told what and when by a policy that is not saved yet, and why everybody else would not."""
    wanted = await request.read(PreviewPolicy)
    policy = wanted.policy()
    foreseen = await request.flowpilot.escalation.preview_policy(
        request.user,
        policy,
        priority=wanted.priority,
        team_id=None if wanted.team_id is None else TeamId(wanted.team_id),
        at=wanted.at,
    )
    return request.shown(PreviewOut.of(foreseen))


@part.reads("/handoffs/preview", PreviewOut, query=PreviewWanted, problems=("not_found", *FORBIDDEN))
async def preview(request: Call) -> Body:
    """Before escalating: who would be told now and how, who not and why, what follows if nobody comes, and what a senior will ask."""
    wanted = await request.wanted(PreviewWanted)
    foreseen = await request.flowpilot.escalation.preview(
        request.user,
        SessionId(wanted.session_id),
        priority=wanted.priority,
        team_id=None if wanted.team_id is None else TeamId(wanted.team_id),
        user_id=None if wanted.user_id is None else UserId(wanted.user_id),
    )
    return request.shown(PreviewOut.of(foreseen))


@part.reads("/notification-preferences", PreferencesIO)
async def get_preferences(request: Call) -> Body:
    """When you work, and how you want to be told."""
    await request.wanted(Nothing)
    return request.shown(PreferencesIO.of(await request.flowpilot.escalation.preferences(request.user)))


@part.sets("/notification-preferences", PreferencesIO, body=PreferencesIO)
async def set_preferences(request: Call) -> Body:
    """Change how you are told from now on, waiting messages included."""
    preferences = (await request.read(PreferencesIO)).preferences(request.user.user_id)
    return await request.changed(
        lambda change: request.flowpilot.escalation.prefer(request.user, preferences, request=change), PreferencesIO.of
    )


ROUTES = (get_policy, set_policy, preview_policy, preview, get_preferences, set_preferences)
