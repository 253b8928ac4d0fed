"""A session in browsers: two people at once, a server that goes away, and a drawing of two hundred steps."""

import re

from playwright.sync_api import APIResponse, Route, expect

from flowpilot_core.domain.sessions.branch import Option
from flowpilot_core.domain.sessions.step import StepKind, StepResult

from .cases import a_session, a_tree, an_investigation
from .conftest import TELEPHONE, Browsing
from .site import Site

ABOVE = """() => [...document.querySelectorAll("#panel .steps > li")].at(-1).getBoundingClientRect().bottom
  <= document.getElementById("add").getBoundingClientRect().top + 1"""
"""The last step ends where the box begins, or before."""


def test_a_junior_types_and_never_waits(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    box = jo.get_by_role("textbox", name="Next step")

    expect(box).to_be_focused()
    box.press_sequentially("Restarted the client")
    box.press("Enter")
    expect(jo.get_by_role("listitem").filter(has_text="Restarted the client")).to_be_visible()
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    box.press_sequentially("One line")
    box.press("Shift+Enter")
    box.press_sequentially("and another")
    box.press("Enter")
    expect(jo.get_by_role("listitem").filter(has_text="and another")).to_be_visible()
    jo.get_by_role("listitem").filter(has_text="Restarted the client").get_by_role("button", name="Failed").click()
    expect(jo.get_by_role("listitem").filter(has_text="Restarted the client").get_by_role("button", name="Failed")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_whoever_went_on_to_write_elsewhere_while_a_form_was_sent_is_left_there(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo, sam = browsing.of("jo", f"/sessions/{session_id}"), browsing.of("sam", f"/sessions/{session_id}")
    late: list[tuple[Route, APIResponse]] = []

    def joins_late(route: Route) -> None:
        if route.request.method == "POST":
            late.append((route, route.fetch()))
        else:
            route.continue_()

    sam.route(f"**/sessions/{session_id}", joins_late)
    sam.get_by_role("button", name="Join").click()
    evidence = sam.get_by_role("textbox", name="Evidence")
    sam.get_by_text("Evidence", exact=True).click()
    evidence.press_sequentially("Half of what")
    sam.get_by_role("main").evaluate("main => { main.dataset.mark = '1'; }")
    (route, answer), *_ = late
    route.fulfill(response=answer)
    expect(sam.locator("main[data-mark]")).to_have_count(0)

    expect(evidence).to_be_focused()
    expect(evidence).to_have_value("Half of what")
    expect(jo.get_by_text("helped by Sam Okafor")).to_be_visible()


def test_two_people_on_one_session_see_each_others_steps_and_keep_what_they_type(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo, sam = browsing.of("jo", f"/sessions/{session_id}"), browsing.of("sam", f"/sessions/{session_id}")
    sam.get_by_role("button", name="Join").click()
    sam.get_by_role("textbox", name="Next step").fill("Half of what Sam")

    jo.get_by_role("textbox", name="Next step").fill("What Jo did")
    jo.get_by_role("button", name="Add step").click()

    expect(sam.get_by_role("listitem").filter(has_text="What Jo did")).to_be_visible()
    expect(sam.get_by_role("textbox", name="Next step")).to_have_value("Half of what Sam")
    expect(jo.get_by_text("helped by Sam Okafor")).to_be_visible()


def test_nothing_typed_is_lost_and_what_could_not_be_sent_is_sent_once(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    jo.get_by_role("textbox", name="Next step").fill("Typed before the reload")
    jo.reload()
    expect(jo.get_by_role("textbox", name="Next step")).to_have_value("Typed before the reload")

    site.stop()
    jo.get_by_role("button", name="Add step").click()
    expect(jo.get_by_text("Typed before the reload — Not sent yet")).to_be_visible()
    site.start()

    expect(jo.get_by_role("listitem").filter(has_text="Typed before the reload")).to_have_count(1)
    expect(jo.get_by_text("Not sent yet")).to_have_count(0)
    detail = site.run(site.flowpilot.sessions.get(site.person("jo"), session_id))
    assert ["Typed before the reload"] == [step.content for step in detail.steps]


def test_the_kind_that_was_chosen_outlives_a_reload_and_is_sent_with_what_could_not_be_sent(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    jo.get_by_role("radio", name="Observation").check()
    jo.get_by_role("textbox", name="Next step").fill("The light is red")

    jo.reload()
    expect(jo.get_by_role("radio", name="Observation")).to_be_checked()
    site.stop()
    jo.get_by_role("button", name="Add step").click()
    expect(jo.get_by_text("The light is red — Not sent yet")).to_be_visible()
    expect(jo.get_by_role("radio", name="Action")).to_be_checked()
    site.start()

    expect(jo.get_by_role("listitem").filter(has_text="The light is red")).to_have_count(1)
    detail = site.run(site.flowpilot.sessions.get(site.person("jo"), session_id))
    assert [StepKind.OBSERVATION] == [step.kind for step in detail.steps]


def test_who_was_chosen_for_an_escalation_is_chosen_again_and_foreseen(site: Site, browsing: Browsing) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    dialog = jo.get_by_role("dialog", name="Escalate")
    jo.get_by_role("button", name="Escalate").click()
    dialog.get_by_role("combobox", name="Person").select_option("Sam Okafor")
    expect(dialog.get_by_text("Sue Lind by e-mail")).to_be_hidden()
    jo.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    jo.get_by_role("button", name="Escalate").click()

    expect(dialog.get_by_role("combobox", name="Person")).to_have_value(str(site.people["sam"].id))
    expect(dialog.get_by_text("Sue Lind by e-mail")).to_be_hidden()


def test_what_was_typed_is_there_again_also_where_the_script_comes_late(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    box = jo.get_by_role("textbox", name="Next step")
    box.fill("Typed before the reload")

    late: list[Route] = []
    jo.route("**/static/pages.*.js", lambda route: late.append(route))
    jo.reload(wait_until="commit")
    expect(box).to_be_focused()
    late[0].continue_()

    expect(box).to_have_value("Typed before the reload")


def test_a_senior_is_asked_for_help_in_a_dialog_that_says_who_will_be_told(site: Site, browsing: Browsing) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")

    jo.get_by_role("button", name="Escalate").click()
    dialog = jo.get_by_role("dialog", name="Escalate")
    expect(dialog.get_by_role("textbox", name="Reason")).to_be_focused()
    dialog.get_by_role("textbox", name="Reason").fill("No rights on the switch")
    expect(dialog.get_by_text("Sue Lind by e-mail")).to_be_visible()
    dialog.get_by_role("combobox", name="Person").select_option("Sam Okafor")
    expect(dialog.get_by_text("Sue Lind by e-mail")).to_be_hidden()
    expect(dialog.get_by_role("textbox", name="Reason")).to_have_value("No rights on the switch")
    dialog.get_by_role("button", name="Escalate").click()

    expect(dialog).to_have_count(0)
    expect(jo.get_by_text("It waits for a colleague")).to_be_visible()


def test_a_dialog_closes_by_escape_and_what_was_typed_is_there_again(site: Site, browsing: Browsing) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    jo.get_by_role("button", name="Fork").click()
    jo.get_by_role("textbox", name="Label 1").fill("Driver")

    jo.keyboard.press("Escape")
    expect(jo.get_by_role("dialog")).to_have_count(0)
    jo.get_by_role("button", name="Fork").click()

    expect(jo.get_by_role("textbox", name="Label 1")).to_have_value("Driver")


def test_without_a_script_a_session_is_worked_through_all_the_same(site: Site, browsing: Browsing) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}", java_script_enabled=False)

    jo.get_by_role("textbox", name="Next step").fill("Looked at the port")
    jo.get_by_role("radio", name="Observation").check()
    jo.get_by_role("button", name="Add step").click()
    jo.get_by_role("tab", name=re.compile("root")).click()
    jo.get_by_role("button", name="Escalate").click()
    jo.get_by_role("dialog").get_by_role("textbox", name="Reason").fill("Stuck")
    jo.get_by_role("dialog").get_by_role("button", name="Escalate").click()

    expect(jo.get_by_text("It waits for a colleague")).to_be_visible()
    expect(jo.get_by_role("listitem").filter(has_text="Looked at the port")).to_have_count(1)


def test_two_hundred_steps_in_twelve_branches_are_drawn_and_each_leads_to_its_step(site: Site, browsing: Browsing) -> None:
    async def large() -> object:
        sessions, person = site.flowpilot.sessions, site.person("jo")
        session_id = await a_session(site, title="A long night")
        for number in range(200):
            result = (StepResult.FAILED, StepResult.INCONCLUSIVE, None, StepResult.WORKED)[number % 4]
            added = await sessions.add_step(person, session_id, kind=StepKind.ACTION, content=f"Try {number + 1}", result=result)
            if number % 33 == 20 and number < 180:
                options = [Option(label=f"Way {number}{letter}", hypothesis=f"It is {letter}") for letter in "ab"]
                await sessions.fork(person, session_id, at_step_id=added.step.id, reason="Two ways", options=options)
        return session_id

    session_id = site.run(large())
    jo = browsing.of("jo", f"/sessions/{session_id}")

    drawing = jo.get_by_role("img", name=re.compile("200 steps in 11 branches"))
    expect(drawing).to_be_visible()
    assert 200 == jo.locator(".drawing a").count()
    jo.locator(".drawing a").nth(3).click()
    expect(jo).to_have_url(re.compile("#step-"))
    expect(jo.locator("li.step:target")).to_be_visible()


def test_on_a_telephone_the_next_step_is_at_the_thumb(site: Site, browsing: Browsing) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}", viewport=TELEPHONE)

    expect(jo.get_by_role("button", name="Add step")).to_be_in_viewport()
    assert TELEPHONE["width"] >= jo.evaluate("document.documentElement.scrollWidth")


def test_on_a_telephone_a_step_that_was_added_is_seen_above_the_box_and_so_is_what_came_of_an_escalation(
    site: Site, browsing: Browsing
) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}", viewport=TELEPHONE)
    jo.get_by_role("textbox", name="Next step").fill("Asked who moved the cable")
    jo.get_by_role("button", name="Add step").click()

    expect(jo.get_by_role("listitem").filter(has_text="Asked who moved the cable")).to_be_visible()
    jo.wait_for_function(ABOVE)

    jo.get_by_role("button", name="Escalate").click()
    dialog = jo.get_by_role("dialog", name="Escalate")
    dialog.get_by_role("textbox", name="Reason").fill("No rights on the switch")
    dialog.get_by_role("button", name="Escalate").click()
    expect(jo.get_by_text("It waits for a colleague")).to_be_in_viewport()


def test_a_dialog_leaves_the_page_below_it_where_it_was(site: Site, browsing: Browsing) -> None:
    session_id = site.run(an_investigation(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    fork = jo.get_by_role("button", name="Fork")
    fork.scroll_into_view_if_needed()
    before = jo.evaluate("scrollY")

    fork.click()
    expect(jo.get_by_role("dialog", name="Fork").get_by_role("textbox", name="Reason")).to_be_focused()

    assert before == jo.evaluate("scrollY")


def test_of_trees_that_fit_the_first_three_are_seen_and_the_others_unfold(site: Site, browsing: Browsing) -> None:
    for number in range(5):
        site.run(a_tree(site, name=f"VPN drops {number}"))
    jo = browsing.of("jo", f"/sessions/{site.run(a_session(site))}")
    follow = jo.get_by_role("button", name=re.compile("^Follow VPN drops"))

    expect(follow).to_have_count(3)
    jo.get_by_text("2 more that may fit").click()
    expect(follow).to_have_count(5)


def test_what_was_typed_outlives_a_sign_out_and_is_sent_once(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    box = jo.get_by_role("textbox", name="Next step")
    expect(jo.get_by_text("Enter adds")).to_be_visible()

    jo.context.clear_cookies()
    box.fill("Typed while signed out")
    jo.get_by_role("button", name="Add step").click()
    expect(jo.get_by_role("status")).to_contain_text("You are signed out")
    expect(box).to_have_value("Typed while signed out")
    jo.goto(site.link("jo"))
    jo.get_by_role("button", name="Sign in").click()
    jo.wait_for_url(lambda url: "/sign-in-link/" not in url)
    jo.goto(f"/sessions/{session_id}")
    expect(box).to_have_value("Typed while signed out")
    jo.get_by_role("button", name="Add step").click()

    expect(jo.get_by_role("listitem").filter(has_text="Typed while signed out")).to_have_count(1)
    detail = site.run(site.flowpilot.sessions.get(site.person("jo"), session_id))
    assert ["Typed while signed out"] == [step.content for step in detail.steps]


def test_a_step_whose_answer_was_lost_is_not_added_again_after_signing_in_anew(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    expect(jo.get_by_text("Enter adds")).to_be_visible()

    def done_and_lost(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort()

    jo.route(f"**/sessions/{session_id}", lambda route: done_and_lost(route) if route.request.method == "POST" else route.continue_())
    jo.get_by_role("textbox", name="Next step").fill("Asked the client")
    jo.get_by_role("button", name="Add step").click()
    expect(jo.get_by_text("Asked the client — Not sent yet")).to_be_visible()
    jo.unroute_all()
    jo.context.clear_cookies()
    jo.goto(site.link("jo"))
    jo.get_by_role("button", name="Sign in").click()
    jo.wait_for_url(lambda url: "/sign-in-link/" not in url)
    jo.goto(f"/sessions/{session_id}")

    expect(jo.get_by_text("Not sent yet")).to_have_count(0)
    expect(jo.get_by_role("listitem").filter(has_text="Asked the client")).to_have_count(1)
    detail = site.run(site.flowpilot.sessions.get(site.person("jo"), session_id))
    assert ["Asked the client"] == [step.content for step in detail.steps]
