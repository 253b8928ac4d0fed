"""What was done in vain: it speaks against its cause, is never the headline, and is never advised again."""

import pytest

from flowpilot_core.domain.assistant import rules as assessor
from flowpilot_core.domain.assistant.diagnosis import Diagnosis, checked
from flowpilot_core.domain.assistant.doings import InVain
from flowpilot_core.domain.assistant.similar_sessions import SimilarSession
from flowpilot_core.domain.handoffs.case_file import CaseFile, snapshot_of
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import Case, a_session

SPOOLER = "The print spooler is stuck or crashes"
TUTORIAL = (
    a_session(title="Printing fails on floor 3", problem="Since this morning nobody on floor 3 can print; jobs vanish from the queue.")
    .step("Restarted the print spooler on SRV-PRINT1", evidence="Event 372: the document failed to print")
    .fork(hypotheses={"driver": "The update of last night replaced the driver", "network": "The printers moved to another VLAN"})
    .step("Rolled the driver back on one PC", result=StepResult.INCONCLUSIVE)
)
DEMO = (
    a_session(title="VPN drops every ten minutes", problem="Two of nine people at the practice lose the VPN again and again.")
    .step("Since when?", kind=StepKind.QUESTION, result=None, evidence="Since Monday, when the firewall was updated.")
    .fork(
        hypotheses={
            "Firewall": "Monday's update closes idle tunnels.",
            "VPN client": "Both machines run an old client.",
            "Line": "The provider's line is unsteady.",
        }
    )
    .in_branch("Line")
    .step("Pinged the gateway for half an hour", kind=StepKind.OBSERVATION, evidence="1,800 packets sent, none lost")
    .in_branch("VPN client")
    .step("Installed the newest client on both machines", evidence="dropped again at 10:42")
    .in_branch("Firewall")
    .step(
        "Read the firewall's log",
        kind=StepKind.OBSERVATION,
        result=StepResult.INCONCLUSIVE,
        evidence="10:32:07 tunnel 7 closed: idle for 600 s",
    )
    .closed("Line", Outcome.DEAD_END, "The line is steady")
    .closed("VPN client", Outcome.DEAD_END, "A new client drops, too")
)


def by_rules(case: Case, *similar: SimilarSession) -> Diagnosis:
    """What the rules say of a case that is escalated now, checked."""
    draft = assessor.assess(CaseFile.of(snapshot_of(case.escalated().snapshot.body)), similar)
    return checked(draft, {step.id for step in case.steps})


def causes(diagnosis: Diagnosis) -> list[str]:
    return [cause.cause for cause in diagnosis.likely_causes]


def advice(diagnosis: Diagnosis) -> str:
    return "\n".join(said.text for said in diagnosis.next_steps)


def vain(*steps: str) -> InVain:
    """What failed, as read from a snapshot."""
    case = a_session()
    for content in steps:
        case = case.step(content)
    return InVain.of(CaseFile.of(snapshot_of(case.escalated().snapshot.body)).steps)


def like(summary: str, root_cause: str | None = None) -> SimilarSession:
    return SimilarSession(session_id=a_session().id, title="As before", summary=summary, root_cause=root_cause, likeness=90)


class TestTheTutorial:
    def test_what_nobody_has_tested_stands_over_it_and_the_spooler_nowhere(self) -> None:
        diagnosis = by_rules(TUTORIAL)

        assert "network: The printers moved to another VLAN (low); 1 of 2 tries failed" == diagnosis.headline
        assert ["network: The printers moved to another VLAN", "driver: The update of last night replaced the driver"] == causes(diagnosis)

    def test_the_port_s_vlan_is_looked_at_first_and_the_spooler_is_left_alone(self) -> None:
        diagnosis = by_rules(TUTORIAL)

        assert diagnosis.next_steps[0].text.startswith("Read the port's VLAN, mode and error state on the switch")
        assert "pooler" not in advice(diagnosis)


class TestTheDemo:
    def test_the_hypothesis_that_is_left_stands_over_it_in_its_own_words(self) -> None:
        diagnosis = by_rules(DEMO)

        assert "Firewall: Monday's update closes idle tunnels (low); 2 of 3 tries failed" == diagnosis.headline
        assert ["Firewall: Monday's update closes idle tunnels."] == causes(diagnosis)
        assert (DEMO.steps[-1].id,) == diagnosis.likely_causes[0].steps_for

    def test_nobody_is_sent_to_the_log_that_was_read(self) -> None:
        assert ["Continue with “Firewall”, which step 4 left open: Monday's update closes idle tunnels."] == [
            said.text for said in by_rules(DEMO).next_steps
        ]


class TestARemedyThatDidNotHelp:
    @pytest.mark.parametrize("evidence", [None, "Event 372: the document failed to print", "42 jobs stuck in the queue"])
    @pytest.mark.parametrize(
        "content",
        ["Restarted the print spooler", "Bounced the spooler service", "Stopped and started the spooler", "Print-Spooler neu gestartet"],
    )
    def test_speaks_against_its_cause_whatever_was_seen_after_it(self, content: str, evidence: str | None) -> None:
        case = a_session(title="The print queue is stuck").step(content, evidence=evidence)

        (spooler,) = by_rules(case).likely_causes

        assert (SPOOLER, (), (case.steps[0].id,)) == (spooler.cause, spooler.steps_for, spooler.against)

    def test_speaks_against_what_its_line_of_work_supposed_where_it_names_nothing_else(self) -> None:
        case = (
            a_session()
            .step()
            .fork(hypotheses={"driver": "The driver is damaged", "port": "The switch port is off"})
            .step("Installed it anew")
        )

        driver = next(cause for cause in by_rules(case).likely_causes if "driver" in cause.cause)

        assert ((), (case.steps[-1].id,)) == (driver.steps_for, driver.against)

    def test_speaks_for_and_against_nothing_where_it_was_unclear(self) -> None:
        driver = by_rules(TUTORIAL).likely_causes[-1]

        assert ((), ()) == (driver.steps_for, driver.against)

    def test_leaves_a_code_that_means_just_one_cause_as_it_is(self) -> None:
        case = a_session(title="Thrown out again").step("Unlocked the user", evidence="Event 4740: caller computer IPHONE-DK")

        cause = by_rules(case).likely_causes[0]

        assert ("The account is locked out by a device with an old password", (case.steps[0].id,)) == (cause.cause, cause.steps_for)

    def test_a_look_is_none_even_where_it_says_what_was_changed(self) -> None:
        case = a_session(title="Stuck").step("Checked whether the update changed the spooler", evidence="spoolsv.exe is of another version")

        assert (case.steps[0].id,) == by_rules(case).likely_causes[0].steps_for


class TestTheHeadline:
    def test_is_nothing_that_was_ruled_out_however_much_speaks_for_it(self) -> None:
        case = (
            a_session(title="No address: DHCP scope is full").step("looked", evidence="169.254.1.7").step("looked", evidence="169.254.1.8")
        )
        case = case.step("looked", evidence="169.254.1.9").fork(
            hypotheses={"DHCP": "the DHCP scope is exhausted", "switch": "a VLAN is missing"}
        )
        case = case.step("counted the leases", kind=StepKind.OBSERVATION, result=StepResult.WORKED).closed("DHCP")

        diagnosis = by_rules(case)

        assert "DHCP" not in diagnosis.headline
        assert "DHCP" in causes(diagnosis)[-1]
        assert "DHCP" not in advice(diagnosis)

    def test_is_nothing_that_a_remedy_in_vain_is_all_that_is_known_of(self) -> None:
        assert "1 of 1 tries failed" == by_rules(a_session(title="Print queue stuck").step("Restarted the spooler")).headline

    def test_is_what_one_line_of_work_still_supposes_though_another_gave_it_up(self) -> None:
        case = a_session().step().fork(hypotheses={"floor 1": "a VLAN is missing there", "floor 2": "a VLAN is missing here"})

        assert "VLAN" in by_rules(case.closed("floor 1")).headline


class TestAdvice:
    def test_that_solved_something_like_it_is_not_given_where_it_was_tried_in_vain(self) -> None:
        case = a_session().step("Set port 9100 again")

        diagnosis = by_rules(case, like("Set port 9100 again", "The port was renamed"))

        assert "9100" not in advice(diagnosis)
        assert "The port was renamed" not in causes(diagnosis)

    def test_is_given_where_it_was_not_tried(self) -> None:
        assert "Moved it to port 7" in advice(by_rules(a_session().step("Set port 9100 again"), like("Moved it to port 7")))

    def test_of_two_steps_that_contradict_each_other_says_to_compare_them_and_not_to_do_it_again(self) -> None:
        case = a_session().step("Restarted the router", result=StepResult.WORKED).step("Restarted the router")

        said = advice(by_rules(case))

        assert said.startswith("Compare steps 1 and 2")
        assert "router" not in said


@pytest.mark.parametrize(
    ("advised", "done"),
    [
        ("Stop the spooler, empty its folder and start it again", "Restarted the print spooler on SRV-PRINT1"),
        ("Stop the spooler, empty its folder and start it again", "Emptied the spooler folder"),
        ("Restart the spooler", "stopped the spooler and started it"),
        ("Swap the cable and the port", "Replaced the patch cable"),
        ("Read the firewall's log for this address", "Looked at the log of the firewall"),
        ("Try what solved “Dark”: Set port 9100 again", "set port 9100 again."),
        ("Reboot the router", "Power-cycled the router"),
        ("Roll the driver back", "Rolled the driver back on one PC"),
    ],
)
def test_the_same_in_other_words_is_the_same(advised: str, done: str) -> None:
    assert vain(done).again(advised) is not None


@pytest.mark.parametrize(
    ("advised", "done"),
    [
        ("Stop the spooler, empty its folder and start it again, then print one page", "Restarted the printer"),
        ("Read the spooler's log", "Restarted the spooler"),
        ("Run the health check of the chain and start a new full backup", "Restarted the backup service"),
        ("Restart the DHCP service", "Restarted the print service"),
        ("Ping the provider's first hop", "Pinged the gateway"),
        ("Print a test page from a machine with a fresh driver", "Rolled the driver back"),
        ("Restart the server", "Restarted the mail server's virus scanner"),
    ],
)
def test_the_same_thing_done_otherwise_or_another_thing_done_the_same_is_new(advised: str, done: str) -> None:
    assert vain(done).again(advised) is None


def test_what_worked_may_be_done_again() -> None:
    case = a_session().step("Restarted the spooler", result=StepResult.WORKED).escalated()

    assert None is InVain.of(CaseFile.of(snapshot_of(case.snapshot.body)).steps).again("Restart the spooler")
