"""Which figures there are, and what each of them counts."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import frozen

from .spread import CLASSES, LONGER


class Subject(StrEnum):
    """What is asked about."""

    ESCALATIONS = "escalations"
    WORK = "work"
    DELIVERIES = "deliveries"
    PSA = "psa"
    ASSISTANT = "assistant"
    KNOWLEDGE = "knowledge"


class Kind(StrEnum):
    """What a figure is."""

    COUNT = "count"
    COUNTS = "counts"
    """A count for each of several words."""
    RATE = "rate"
    SPREAD = "spread"
    HOURS = "hours"
    """Of minutes that are counted."""
    STARS = "stars"
    """As a tree shows what people gave it."""


@frozen
class Figure:
    """One figure, and what it counts."""

    name: str
    says: str
    kind: Kind = Kind.COUNT
    words: tuple[str, ...] = ()
    """Of counts: the words that are there even where their count is nought."""
    rate: tuple[str, str] | None = None
    """Of a rate: the figures above and below the line."""


_SESSIONS = Figure(
    "sessions",
    "Sessions that were started in the time; in groups by escalator or claimer, the sessions of the group's escalations.",
)
FIGURES: Final[Mapping[Subject, tuple[Figure, ...]]] = MappingProxyType(
    {
        Subject.ESCALATIONS: (
            _SESSIONS,
            Figure("escalated_sessions", "Those of `sessions` that were escalated at least once, whenever that was."),
            Figure(
                "escalation_rate",
                "`escalated_sessions` over `sessions`; null without sessions.",
                Kind.RATE,
                rate=("escalated_sessions", "sessions"),
            ),
            Figure("escalations", "Escalations that were made in the time."),
            Figure("reroutes", "How often `escalations` were rerouted; each time counts."),
            Figure("claimed", "Those of `escalations` that somebody has claimed, where the claim holds."),
            Figure("withdrawn", "Those of `escalations` that were withdrawn."),
            Figure("lapsed", "How many claims of `escalations` lapsed because they went quiet; each one counts."),
            Figure("unclaimed", "How many claims of `escalations` were given back by their claimer; each one counts."),
            Figure("reopened", "How often `sessions` were reopened; each time counts, on the day the session started."),
            Figure("waiting", "Those of `escalations` that are open now."),
            Figure("overdue", "Those of `waiting` that should have been claimed by now."),
            Figure(
                "time_to_claim",
                "Seconds from each escalation in `claimed` to the claim that holds; a claim that lapsed or was given back starts no new"
                " wait.",
                Kind.SPREAD,
            ),
            Figure(
                "time_to_first_step",
                "Seconds from the claim that holds to the claimer's first step, result or branch in the session, before it is"
                " escalated again, resolved or abandoned.",
                Kind.SPREAD,
            ),
            Figure(
                "time_to_claim_classes",
                "Those in `time_to_claim` by how long it took: each counts once, in the first of these that it is in.",
                Kind.COUNTS,
                words=(*CLASSES, LONGER),
            ),
            Figure(
                "time_to_first_step_classes",
                "Those in `time_to_first_step` by how long it took: each counts once, in the first of these that it is in.",
                Kind.COUNTS,
                words=(*CLASSES, LONGER),
            ),
            Figure("claimed_without_step", "Those of `claimed` where no such first step came."),
            Figure(
                "time_to_resolve",
                "Seconds from the start of each session in `sessions` to its last resolution; others are no number.",
                Kind.SPREAD,
            ),
            Figure(
                "verdicts",
                "What the claimers of `claimed` say of them, the last word counts; `none`: nothing yet.",
                Kind.COUNTS,
                words=("right", "late", "avoidable", "none"),
            ),
        ),
        Subject.WORK: (
            Figure(
                "sessions",
                "Sessions that were started in the time, by what they are now.",
                Kind.COUNTS,
                words=("active", "parked", "escalated", "resolved", "abandoned"),
            ),
            Figure("steps", "Steps in these sessions."),
            Figure("forks", "How often the work in these sessions was split into branches."),
            Figure("dead_ends", "Branches of these sessions that were closed as dead ends."),
            Figure("helped", "Those of these sessions that somebody joined to help."),
            Figure("resolved_without_escalation", "Those of these sessions that are resolved and never were escalated."),
            Figure(
                "time_to_resolve",
                "Seconds from the start of each of these sessions to its last resolution; others are no number.",
                Kind.SPREAD,
            ),
        ),
        Subject.DELIVERIES: (
            Figure(
                "told",
                "Messages that tell somebody of an escalation, made in the time, by channel and by how far each of them is: `email_sent`.",
                Kind.COUNTS,
            ),
            Figure("seen", "Those of `told` whose person has looked at the escalation since."),
            Figure(
                "time_to_tell", "Seconds from each message in `told` until its channel had accepted it; others are no number.", Kind.SPREAD
            ),
            Figure("time_to_seen", "Seconds from each message in `seen` until its person first looked at the escalation.", Kind.SPREAD),
            Figure("dead", "Those of `told` that will not be tried again, by what was said last.", Kind.COUNTS),
        ),
        Subject.PSA: (
            Figure(
                "posts",
                "What was asked for on tickets in the time, by kind, action and how far each is: `escalated_note_posted`.",
                Kind.COUNTS,
            ),
            Figure("attempts", "How often doing `posts` was tried, since each was last asked for."),
            Figure("time_to_post", "Seconds from each of `posts` until it was done on the ticket; others are no number.", Kind.SPREAD),
            Figure("hours_booked", "Hours of work that `posts` have entered, as they were entered.", Kind.HOURS),
            Figure("dead", "Those of `posts` that will not be tried again, by what was said last.", Kind.COUNTS),
        ),
        Subject.ASSISTANT: (
            Figure(
                "assessments",
                "Assessments that were asked for in the time, by how far each is and who made it: `ready_rules`, or `pending_nobody`.",
                Kind.COUNTS,
            ),
            *(
                Figure(str(verdict), f"How often somebody said that one of `assessments` is {said}; each person's last word counts.")
                for verdict, said in (("useful", "useful"), ("wrong", "wrong"), ("missing", "missing something"))
            ),
            Figure("cited", "Steps that the statements in `assessments` cite; each time counts."),
            Figure("dropped", "Citations in `assessments` of what is no step, which were left out."),
            Figure("tokens", "Tokens that models took to make `assessments`, in and out."),
            Figure("suggestions", "Next steps that were suggested, asked for in the time."),
            Figure("accepted", "Those of `suggestions` that became a step."),
            Figure("rejected", "Those of `suggestions` that somebody rejected."),
            Figure(
                "acceptance_rate",
                "`accepted` over `suggestions`, those nobody decided on included; null without suggestions.",
                Kind.RATE,
                rate=("accepted", "suggestions"),
            ),
        ),
        Subject.KNOWLEDGE: (
            Figure("walks", "Sessions that were started in the time and follow a tree; in groups by node, those that came to the node."),
            Figure("solved", "Those of `walks` that reached an end of the tree that says solved."),
            Figure("escalated", "Those of `walks` whose session was escalated at least once, whenever that was."),
            Figure("left", "Those of `walks` where work went on without the tree; in groups by node, at that node."),
            Figure("reached", "Nodes that `walks` came to; each counts once a walk."),
            Figure("thumbs", "What people say of steps that were taken at these nodes.", Kind.COUNTS, words=("up", "down")),
            Figure(
                "time_to_resolve",
                "Seconds from the start of each session in `walks` to its last resolution; others are no number.",
                Kind.SPREAD,
            ),
            Figure("ratings", "How many people of the account rated the tree, whenever that was; nought in other groups and in all."),
            Figure("rating", "The tree's stars, as it shows them; null without `ratings`.", Kind.STARS),
        ),
    }
)
