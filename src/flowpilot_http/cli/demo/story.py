"""The main job as a story: told chapter by chapter, each checked while it is told."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

from attrs import Factory, define, frozen
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from flowpilot_core.domain.kernel.text import counted

from . import mails
from .caller import Answer, Caller, Listening
from .incident_log import FIGURES, LOG, MAPPING
from .mailbox import Mailbox

MAIL_SECONDS = 30.0
"""How long a mail may take to arrive; it usually takes a tenth of one."""
NOBODY = UUID(int=0)
RESULT_STYLES = {"worked": "green", "failed": "red", "inconclusive": "yellow"}


class StoryBroken(Exception):
    """Something did not happen as it was told."""


@frozen(kw_only=True)
class Cast:
    """Who plays: four people of one provider, one of another."""

    jo: Caller
    """A junior engineer."""
    sam: Caller
    """A senior engineer."""
    sue: Caller
    """An admin."""
    vic: Caller
    """Only looks."""
    mia: Caller
    """An engineer of the other provider."""
    account_id: str
    """Of the first provider."""
    home: str
    """What the provider of the first four is called."""
    away: str
    """What Mia's is called."""


@define(kw_only=True)
class Story:
    """Tells it on `console`. Every method that is a chapter raises `StoryBroken` where what it shows is not so."""

    console: Console
    cast: Cast
    mailbox: Mailbox
    replay: Callable[[Path], Mapping[str, Any]]
    """Replays an incident log with the mapping beside it, and returns the figures."""
    folder: Path
    """For the log that the story makes."""
    stays: bool
    """Whether the server does, so that a mail's links lead somewhere."""
    _numbers: "count[int]" = Factory(lambda: count(1))
    _session_id: str = ""
    _handoff_id: str = ""
    _winner: Caller | None = None
    _listening: dict[str, Listening] = Factory(dict)
    """Who has the stream of events open, by name."""

    def tell(self) -> None:
        """The whole story."""
        self._two_providers()
        self._jo_tries()
        self._jo_escalates()
        self._colleagues_are_told()
        self._sam_looks()
        self._two_claim_at_once()
        self._others_see_nothing()
        self._solved()
        for listening in self._listening.values():
            listening.close()

    @property
    def _handoff_path(self) -> str:
        return f"/handoffs/{self._handoff_id}"

    def _two_providers(self) -> None:
        self._chapter("Two providers share one server")
        people = self._table("provider", "person", "may")
        cast = self.cast
        for caller, may in (
            (cast.jo, "work and claim"),
            (cast.sam, "work and claim"),
            (cast.sue, "administer too"),
            (cast.vic, "only look"),
        ):
            people.add_row(cast.home, caller.name, may)
        people.add_row(cast.away, cast.mia.name, "work and claim")
        self._show(people)
        preferring = cast.sam.put("/notification-preferences", mail_after_seconds=600)
        _require(cast.sam, "PUT", "/notification-preferences", (200,), preferring)
        self._listening[cast.sam.name] = cast.sam.listen()
        self._say("Sam has the queue open, and wants mail only for what he has not seen after ten minutes. Sue reads her mail.")

    def _jo_tries(self) -> None:
        jo = self.cast.jo
        self._chapter("Jo takes a ticket and tries three things")
        session = self._done(
            jo,
            "/ai-sessions",
            title="VPN drops every ten minutes",
            problem="Two of nine people at the practice lose the VPN again and again.",
            client_name="Lakeside Dental",
            ticket={"system": "connectwise", "id": "48211"},
        )
        self._session_id = session["id"]
        self._say(
            "Jo starts a session and asks a question. Three explanations fit, so the session forks into three branches beside its root."
        )
        path = f"/ai-sessions/{self._session_id}"
        asked = self._done(
            jo, f"{path}/steps", kind="question", content="Since when?", evidence="Since Monday, when the firewall was updated."
        )
        fork = self._done(
            jo,
            f"{path}/forks",
            at_step_id=asked["id"],
            reason="Three things could do this",
            options=[
                {"label": "Firewall", "hypothesis": "Monday's update closes idle tunnels."},
                {"label": "VPN client", "hypothesis": "Both machines run an old client."},
                {"label": "Line", "hypothesis": "The provider's line is unsteady."},
            ],
        )
        firewall, client, line = (branch["id"] for branch in fork["branches"])
        for branch_id, kind, content, result, evidence in (
            (line, "observation", "Pinged the gateway for half an hour", "failed", "1,800 packets sent, none lost"),
            (client, "action", "Installed the newest client on both machines", "failed", "dropped again at 10:42"),
            (firewall, "observation", "Read the firewall's log", "inconclusive", "10:32:07 tunnel 7 closed: idle for 600 s"),
        ):
            self._done(jo, f"{path}/steps", branch_id=branch_id, kind=kind, content=content, result=result, evidence=evidence)
        for branch_id, reason in ((line, "The line is steady"), (client, "A new client drops, too")):
            self._done(jo, f"{path}/branches/{branch_id}/close", outcome="dead_end", reason=reason)
        session = self._read(jo, path)
        self._holds("the session has three branches beside its root", 4, len(session["branches"]))
        self._holds("it has four steps", 4, len(session["steps"]))
        self._show(_investigation(session))

    def _jo_escalates(self) -> None:
        self._chapter("Jo is stuck and hands the session over")
        handoff = self._done(
            self.cast.jo,
            f"/ai-sessions/{self._session_id}/handoff",
            intent="escalate",
            reason="I may not change firewall rules",
            note="Call Petra at the front desk before you cut anybody off.",
            priority="high",
        )
        self._handoff_id = handoff["id"]
        self._holds("the handoff waits for somebody", "open", handoff["state"])
        self._holds("two people are to be told", 2, handoff["told"]["people"])
        digest = handoff["snapshot_digest"]
        self._say(f"The answer came before any mail was sent. Everything Jo tried is frozen in a snapshot with the digest {digest[:12]}…")

    def _colleagues_are_told(self) -> None:
        cast = self.cast
        self._chapter("Sam sees it at once, and Sue gets a mail")
        heard = self._heard(cast.sam, "handoff.escalated")
        self._holds("it is the one that Jo handed over", self._handoff_id, heard["handoff_id"])
        self._say(f"● {cast.sam.name}: handoff.escalated by {heard['by']['name']}, over the open stream")
        mail = self._mailed(cast.sue)
        mails.show(self.console, mail, links=self.stays)
        self._listening[cast.sue.name] = cast.sue.listen()
        self._say("Sue opens the queue as well.")
        self._say("Not told: Jo, who asked; Vic, who may only look; and everybody at the other provider.")

    def _sam_looks(self) -> None:
        sam = self.cast.sam
        self._chapter("Sam looks at the queue, and at what was tried")
        queue = self._read(sam, "/handoffs/queue")["items"]
        self._holds("one escalation waits", [self._handoff_id], [item["handoff_id"] for item in queue])
        table = self._table("urgency", "client", "title", "from", "waiting", "so far")
        for item in queue:
            so_far = f"{counted(item['step_count'], 'step', 'steps')} in {counted(item['branch_count'], 'branch', 'branches')}"
            escalator, waiting = item["escalated_by"]["name"], f"{item['waiting_seconds']} s"
            table.add_row(item["priority"], item["client_name"], item["title"], escalator, waiting, so_far)
        self._show(table)
        answer = self._got(sam, f"{self._handoff_path}/snapshot", 200)
        digest = hashlib.sha256(answer.raw).hexdigest()
        self._holds("the snapshot's bytes have the digest that is its ETag", f'"{digest}"', answer.headers.get("etag"))
        snapshot = answer.body
        self._holds("every step stands in it", 4, len(snapshot["steps"]))
        labels = {branch["id"]: branch["label"] for branch in snapshot["branches"]}
        steps = {step["id"]: step["content"] for step in snapshot["steps"]}
        summary = self._table("the snapshot says", "")
        summary.add_row("problem", snapshot["problem"])
        summary.add_row("why Jo is stuck", snapshot["reason"])
        summary.add_row("Jo's note", snapshot["note"])
        summary.add_row("tried and failed", "\n".join(steps[step_id] for step_id in snapshot["failed"]))
        summary.add_row("still open", ", ".join(labels[branch_id] for branch_id in snapshot["open_hypotheses"]))
        summary.add_row("digest", f"{digest[:12]}… is what its {len(answer.raw):,} bytes hash to")
        self._show(summary)
        self._assessed()

    def _assessed(self) -> None:
        heard = self._heard(self.cast.sam, "handoff.assessed")
        self._holds("it is what Jo handed over that was assessed", self._handoff_id, heard["handoff_id"])
        assessment = self._read(self.cast.sam, self._handoff_path)["assessment"]
        self._holds("the assessment is there", "ready", assessment["state"])
        table = self._table("the assessment says", "")
        table.add_row("in short", assessment["headline"])
        for label, said in (
            ("likely", [f"{cause['cause']} ({cause['confidence']})" for cause in assessment["likely_causes"]]),
            ("ruled out", [statement["text"] for statement in assessment["ruled_out"]]),
            ("what to do next", [statement["text"] for statement in assessment["next_steps"]]),
            ("to ask Jo", [statement["text"] for statement in assessment["questions"]]),
        ):
            if said:
                table.add_row(label, "\n".join(said))
        self._show(table)

    def _two_claim_at_once(self) -> None:
        cast = self.cast
        self._chapter("Sam and Sue claim it at the same moment")
        barrier = Barrier(2)

        def claim(caller: Caller) -> tuple[Caller, Answer]:
            barrier.wait()
            return caller, caller.post(f"{self._handoff_path}/claim")

        with ThreadPoolExecutor(2) as pool:
            (winner, won), (loser, lost) = sorted(pool.map(claim, (cast.sam, cast.sue)), key=lambda claimed: claimed[1].status)
        self._holds("one gets it", [200, 409], [won.status, lost.status])
        self._holds("the other is told so", "already_claimed", lost.body["code"])
        self._holds("and by whom", winner.name, lost.body["claimed_by"]["name"])
        self._say(f"{winner.name}: 200, the session is {_first(winner)}'s now.")
        self._say(f"{loser.name}: 409, “{lost.body['detail']}”")
        heard = self._heard(loser, "handoff.claimed")
        self._holds("whoever looks on sees by whom", winner.name, heard["by"]["name"])
        self._say(f"● {loser.name}: handoff.claimed by {winner.name}, over the open stream")
        session = self._read(winner, f"/ai-sessions/{self._session_id}")
        self._holds("the session is active again", "active", session["status"])
        self._holds("nobody waits any more", [], self._read(loser, "/handoffs/queue")["items"])
        self._winner = winner

    def _others_see_nothing(self) -> None:
        mia = self.cast.mia
        self._chapter("The other provider sees nothing of it")
        table = self._table("Mia asks for", "and gets")
        for path in (self._handoff_path, f"{self._handoff_path}/snapshot", f"/ai-sessions/{self._session_id}"):
            foreign = self._got(mia, path, 404)
            unknown = self._got(mia, path.replace(self._handoff_id, str(NOBODY)).replace(self._session_id, str(NOBODY)), 404)
            self._holds("it looks just as what never was", unknown.raw, foreign.raw)
            table.add_row(f"GET {path}", "404")
        claim = mia.post(f"{self._handoff_path}/claim")
        self._holds("she cannot claim it", 404, claim.status)
        table.add_row(f"POST {self._handoff_path}/claim", "404")
        self._holds("her queue is empty", [], self._read(mia, "/handoffs/queue")["items"])
        table.add_row("GET /handoffs/queue", "an empty list")
        self._show(table)
        self._say("Each 404 is the same, byte for byte, as for an id that never existed.")

    def _solved(self) -> None:
        winner = self._winner or self.cast.sam
        self._chapter(f"{_first(winner)} solves it")
        path = f"/ai-sessions/{self._session_id}"
        session = self._read(winner, path)
        firewall = next(branch["id"] for branch in session["branches"] if branch["label"] == "Firewall")
        self._done(
            winner,
            f"{path}/steps",
            branch_id=firewall,
            kind="action",
            content="Raised the firewall's idle limit to eight hours",
            result="worked",
        )
        self._done(winner, f"{path}/branches/{firewall}/close", outcome="solved", reason="No drop since")
        solved = self._done(
            winner,
            f"{path}/resolve",
            summary="The firewall no longer closes idle tunnels.",
            root_cause="Monday's update set the idle limit to ten minutes.",
        )
        self._holds("the session is resolved", "resolved", solved["status"])
        timeline = self._read(winner, f"{path}/timeline")["items"]
        table = self._table("", "what happened", "by")
        for entry in timeline:
            table.add_row(str(entry["number"]), entry["kind"], entry["by"] if isinstance(entry["by"], str) else entry["by"]["name"])
        self._holds("the timeline ends with it", "session.resolved", timeline[-1]["kind"])
        self._show(table)
        self._mailed(self.cast.jo)
        self._say("Jo, who asked, is mailed what solved it.")

    def replayed(self) -> None:
        """One more chapter, for whoever comes with a log."""
        self._chapter("A log of another system, replayed")
        log, mapping = self.folder / "incidents.csv", self.folder / "incidents.toml"
        log.write_text(LOG)
        mapping.write_text(MAPPING)
        self._say(f"Three cases exported from a ticket system ({log.name}, {len(LOG.splitlines()) - 1} rows), each at its own time.")
        figures = self.replay(log)
        table = self._table("figure", "replayed")
        for name, expected in FIGURES.items():
            self._holds(f"{name} of the replayed log", expected, figures[name])
            table.add_row(name.replace("_", " "), f"{figures[name]:,}")
        self._show(table)
        queue = self._read(self.cast.sam, "/handoffs/queue")["items"]
        self._holds("nothing of it waits", [], queue)
        if (mail := self.mailbox.next_mail(within=0)) is not None:
            raise StoryBroken(f"{mail['To']} was told of something long past")
        self._say("Nobody was mailed about any of it: it all happened long ago.")

    def _mailed(self, who: Caller) -> EmailMessage:
        """The next mail, which is to somebody."""
        mail = self.mailbox.next_mail(within=MAIL_SECONDS)
        if mail is None:
            raise StoryBroken(f"no mail arrived within {MAIL_SECONDS:.0f} seconds")
        mails.announce(self.console, mail)
        (recipient,) = mail["To"].addresses
        self._holds("whom it is to", who.name, recipient.display_name)
        return mail

    def more_wait(self) -> None:
        """Two more escalations, so that whoever looks around finds a queue with something in it."""
        for title, client, ticket, tried, priority, reason in (
            (
                "Nobody can print",
                "Hillside School",
                "48230",
                "Restarted the print server",
                "urgent",
                "The exams are to be printed at eight",
            ),
            ("Outlook asks for a password again and again", "Meridian Law", "48222", "Removed what was cached", "normal", "Out of ideas"),
        ):
            started = self._done(
                self.cast.jo,
                "/ai-sessions",
                title=title,
                problem="Since this morning, on every machine.",
                client_name=client,
                ticket={"system": "connectwise", "id": ticket},
            )
            path = f"/ai-sessions/{started['id']}"
            self._done(self.cast.jo, f"{path}/steps", kind="action", content=tried, result="failed")
            self._done(self.cast.jo, f"{path}/handoff", intent="escalate", reason=reason, priority=priority)

    def _heard(self, who: Caller, kind: str) -> Any:
        """What somebody hears over their open stream."""
        heard = self._listening[who.name].hears(kind)
        if heard is None:
            raise StoryBroken(f"{who.name} heard of no {kind}")
        return heard

    def _chapter(self, title: str) -> None:
        self.console.print()
        self.console.print(Text(f"{next(self._numbers)}. {title}", style="bold cyan"))

    def _say(self, text: str) -> None:
        self._show(Text(text))

    def _show(self, shown: Any) -> None:
        self.console.print(Padding(shown, (0, 0, 0, 3)))

    @staticmethod
    def _table(*columns: str) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
        for column in columns:
            table.add_column(column)
        return table

    @staticmethod
    def _done(caller: Caller, path: str, **body: object) -> Any:
        answer = caller.post(path, **body)
        _require(caller, "POST", path, (200, 201), answer)
        return answer.body

    def _read(self, caller: Caller, path: str) -> Any:
        return self._got(caller, path, 200).body

    @staticmethod
    def _got(caller: Caller, path: str, expected: int) -> Answer:
        answer = caller.get(path)
        _require(caller, "GET", path, (expected,), answer)
        return answer

    @staticmethod
    def _holds(what: str, expected: object, actual: object) -> None:
        if expected != actual:
            raise StoryBroken(f"{what}: {expected!r} was expected, and it is {actual!r}")


def _require(caller: Caller, method: str, path: str, expected: Collection[int], answer: Answer) -> None:
    if answer.status not in expected:
        said = answer.raw.decode(errors="replace")
        raise StoryBroken(f"{method} {path} by {caller.name} was answered with {answer.status}: {said}")


def _first(caller: Caller) -> str:
    return caller.name.partition(" ")[0]


def _investigation(session: Mapping[str, Any]) -> Tree:
    """The session's branches as a tree, each with its steps."""
    tree = Tree(Text(session["title"]), guide_style="dim")
    nodes = {None: tree}
    for branch in session["branches"]:
        shown = Text(branch["label"], style="bold")
        if branch["hypothesis"]:
            shown.append(f": {branch['hypothesis']}", style="not bold")
        shown.append(f"  {branch['state'].replace('_', ' ')}", style="not bold dim")
        node = nodes[branch["id"]] = nodes[branch["parent_id"]].add(shown)
        for step in session["steps"]:
            if step["branch_id"] == branch["id"]:
                _step(node, step)
    return tree


def _step(node: Tree, step: Mapping[str, Any]) -> None:
    line = Text(step["content"])
    if step["result"]:
        line.append(f"  {step['result']}", style=RESULT_STYLES[step["result"]])
    if step["evidence"]:
        line.append(f"\n{step['evidence']}", style="dim italic")
    node.add(line)
