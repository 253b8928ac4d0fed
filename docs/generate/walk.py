"""One escalation, from the request to the mail. Each name is looked up in the code, so that one that is gone is an error."""

import re
from os.path import relpath
from pathlib import Path

from .source import Thing, defined

ROOMS = {
    "domain": "flowpilot_core.domain",
    "ports": "flowpilot_core.ports",
    "application": "flowpilot_core.application",
    "adapters": "flowpilot_adapters",
    "sql": "flowpilot_adapters.sql",
    "http": "flowpilot_http",
}

NAMED = re.compile(r"\{(?P<ring>\w+)(?P<room>[.\w]*):(?P<name>[\w.]+)\}")

WALK = """\
A junior sends `POST /ai-sessions/{id}/handoff` with an intent and a reason. Each name below leads to the file that defines it.

### The request

1. {http.middleware:Edge} is what the server calls. It names the request, times it and logs it. {http.auth:Door.sign_in} finds out who
   asks. Whatever is raised further in becomes an answer in one place, {http.problems:problem_of}.
2. The route is {http.routes.sessions:hand_off}. It has the body read as a {http.schemas:HandOff}: {http.decoding:body} refuses what is no
   JSON, a field that nobody knows and a value of the wrong kind, and says where.
3. {http.api_request:Call.changed} makes a {application.kernel:Request} of the headers: the version that the caller acts on, and the key
   under which the answer is kept for a repeat. Then it calls the use case, with the person first.

### The decision

4. {application.handoffs:Handoffs.hand_off} says what is loaded and what is stored. It runs inside {application.kernel:Units.run}, which
   opens a unit of work, commits it, and begins again where somebody else saved first.
5. One trip brings the session with its steps and what else is asked of the account ({ports.handoffs:Handoffs.basis};
   {sql.handoffs:SqlHandoffs.basis} in PostgreSQL).
6. The domain decides: {domain.handoffs:hand_off} asks {domain.kernel:require} whether this person may, and {domain.kernel:advance}
   whether the session can go there from where it is ({domain.sessions:SESSION} is the table). {domain.handoffs:freeze} makes the
   snapshot, and {domain.sessions:Session.escalated} the session as it is afterwards. What comes back is a {domain.handoffs:HandedOff}:
   session, handoff, snapshot and event. Nothing has been written yet, and whatever was refused was raised as an error with its facts.
7. What follows is the business of other areas. Each brought a {application.handoffs:HandoffFollower} along, and it writes in the same
   unit of work: {application.notifications:Telling.made} a {domain.notifications:Delivery} for each person and channel, chosen by
   {domain.notifications:recipients}, and how far the escalation policy is; {application.assistant:AssessEscalations.made} that there is to
   be an {domain.assistant:Assessment}.

### The rows

8. {sql.sessions:SqlSessions.save} and {sql.handoffs:SqlHandoffs.add} turn values into parameters of statements that were compiled once.
   The tables are {sql.schema:handoff} and its neighbours; the other way, {sql.records:handoff} makes a value of a row.
9. {sql.notifications:SqlDeliveries.add} writes each delivery, and in the same statement the row of {sql.schema:due_work} that says that
   it is to be sent. That table is the outbox: ids, a kind and a time, and nothing of what it is about.
10. {application.kernel:Units.record} puts the event on record, and asks each {application.kernel:Reaction} what follows from it: webhooks
    are told, a note goes to the ticket. {application:reactions} says which there are. {sql.kernel:log} takes the event's number last of
    all, because it locks the account's counter until the commit.
11. {sql:Transaction} has kept back what was to be written. {sql:Transaction.commit} sends it with the commit in one trip, in which the row
    policies of the account hold. Now all of it is there, or none.

### The answer

12. {application.kernel:Units.run} calls `committed`. What that is was said in {http.main:serve}: it wakes the relay of this process
    ({application.relay:Relay.wake}) and the streams of all ({ports.notifications:EventStream.publish}). Both are advice. Losing them
    makes things late.
13. {http.schemas:HandoffOut.shown} is what the client reads, with 201. Nobody has been told of anything so far.

### The mail

14. {application.relay:Relay.run} takes what is due under a lease ({ports.relay:Outbox.take}, {sql.relay:SqlOutbox.take}), each kind of
    work in a lane of its own, and gives it to the handler of its kind. {http.main:relay_of} says which handlers there are.
15. {application.notifications:SendDelivery.do} takes, sends and settles. Taking asks {domain.notifications:why_not_send} whether the
    message is still worth it, and whether its person wants it now. That is one unit of work, and it has ended before anything is sent.
16. {application.notifications:subject} and {application.notifications:letter} write the mail from what was read, with secrets taken out
    by the {ports.assistant:Redactor}, and {application.kernel:Links.claim} makes the link in it.
17. {application.relay:hand_over} gives the {ports.notifications:Message} to the {ports.notifications:Notifier}. Over SMTP that is
    {adapters.smtp:SmtpNotifier.send}, and {adapters.smtp:written} makes the bytes.
18. Settling is a unit of work of its own: the delivery is {domain.notifications:Delivery.sent} or {domain.notifications:Delivery.failed},
    and its work is finished or put off. Where the lease was lost meanwhile, the result is dropped, because another relay has it.

### Beside the mail

- **Push.** {adapters.push:PostgresEventStream.publish} sends the account's id to every process, after the commit.
  {application.notifications:Push.heard} has the event log read on from where each {application.notifications:Stream} stopped, and
  {http.sse:Sse.news} writes what its reader may know of. {application.notifications:NotePush} notes in the delivery of the channel who
  had a stream open.
- **The assessment.** {application.assistant:MakeAssessment.do} has the snapshot diagnosed, not the session as it is by then.
  {domain.assistant:assess} is the rules, {application.assistant:Models.asked} a model where there is one, and {domain.assistant:checked}
  takes out what cites a step that is not there.
- **The note on the ticket.** {application.psa:PostNote.do} posts it. Before it tries a second time, it looks in the PSA for the marker of
  the first.
- **If nobody comes.** {application.notifications:TakePolicySteps.do} does the steps of the escalation policy.
"""


def walk(page: Path) -> str:
    """The walk with its links, as it stands on this page. Raises `NotDefined` for a name that the code does not have."""
    return NAMED.sub(lambda found: _link(page, found), WALK).rstrip()


def _link(page: Path, found: "re.Match[str]") -> str:
    there = defined(ROOMS[found["ring"]] + found["room"], found["name"])
    return link(page, there, found["name"])


def link(page: Path, there: Thing, name: str) -> str:
    """A name that leads to the file that defines it."""
    return f"[`{name}`]({relpath(there.module.path, page.parent)})"


def path_of(page: Path, path: Path) -> str:
    """A file or folder of the code, as a page links to it."""
    return relpath(path, page.parent)
