"""Settings in browsers: two people at one, and a form that is left and come back to."""

from datetime import timedelta

from playwright.sync_api import FilePayload, Page, Route, expect

from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy
from flowpilot_core.domain.sessions.session import Priority
from tests.support.pictures import a_picture

from .cases import an_escalation
from .conftest import Browsing
from .site import Site


def test_who_was_slower_with_a_team_keeps_what_they_typed_and_saves_it_once_they_have_read_the_others(
    site: Site, browsing: Browsing
) -> None:
    olga, adam = browsing.of("olga", "/settings/teams"), browsing.of("adam", "/settings/teams")
    name = olga.get_by_role("region", name="Network").get_by_role("textbox", name="Name")
    adam.get_by_role("region", name="Network").get_by_role("textbox", name="Name").fill("Networks")
    adam.get_by_role("region", name="Network").get_by_role("button", name="Save").click()
    expect(adam.get_by_role("heading", name="Networks")).to_be_visible()

    name.fill("Switches")
    name.press("Enter")
    expect(olga.get_by_role("alert")).to_contain_text("Now it is called Networks.")
    name = olga.get_by_role("region", name="Networks").get_by_role("textbox", name="Name")
    expect(name).to_have_value("Switches")
    name.press("Enter")

    expect(olga.get_by_role("heading", name="Switches")).to_be_visible()
    expect(olga.get_by_role("alert")).to_have_count(0)


def test_numbers_choices_and_ticks_outlive_a_reload_and_the_rest_shows_what_is_there_now(site: Site, browsing: Browsing) -> None:
    olga = browsing.of("olga", "/settings/policy")
    low, high = olga.get_by_role("spinbutton", name="Low"), olga.get_by_role("spinbutton", name="High")
    everybody = olga.locator("[name=whom_1][value=everybody]")
    by_mail = olga.locator("[name=channels_1][value=email]")
    olga.get_by_text("Step 1", exact=True).click()
    low.fill("90")
    everybody.check()
    by_mail.uncheck()
    olga.get_by_role("combobox", name="Of an escalation that is").select_option("Urgent")
    site.run(site.flowpilot.escalation.set_policy(site.person("adam"), EscalationPolicy(due={Priority.HIGH: timedelta(minutes=15)})))

    olga.reload()

    expect(low).to_have_value("90")
    expect(high).to_have_value("15")
    expect(everybody).to_be_checked()
    expect(everybody).to_be_visible()
    expect(by_mail).not_to_be_checked()
    expect(olga.get_by_role("combobox", name="Of an escalation that is")).to_have_value("urgent")


def test_what_was_typed_before_a_reload_is_not_saved_over_what_somebody_else_saved(site: Site, browsing: Browsing) -> None:
    olga = browsing.of("olga", "/settings/account")
    mails = olga.get_by_role("spinbutton", name="Mails a minute to one person")
    mails.fill("7")
    site.run(site.flowpilot.account.change(site.person("adam"), redacts_personal=True, mails_a_minute=5))

    olga.reload()
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_role("alert")).to_contain_text("with 5 mails a minute")
    expect(mails).to_have_value("7")
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_role("alert")).to_have_count(0)

    assert 7 == site.run(site.flowpilot.account.get(site.person("olga"))).mails_a_minute
    olga.reload()
    expect(mails).to_have_value("7")


def reconnected(page: Page) -> None:
    """The stream was gone and is back, so that the page has been read again where it can be."""
    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_contain_text("reconnecting")
    page.context.set_offline(False)
    expect(page.get_by_role("status")).to_have_text("Connected again")


def test_what_is_typed_and_chosen_stands_while_a_page_is_read_again(site: Site, browsing: Browsing) -> None:
    logo = FilePayload(name="logo.png", mimeType="image/png", buffer=a_picture(size=(400, 100)))
    olga = browsing.of("olga", "/settings/branding")
    olga.get_by_label("Logo file").set_input_files(logo)
    olga.get_by_role("textbox", name="Footer").fill("Half of what Olga")
    olga.get_by_role("main").evaluate("main => { main.dataset.mark = '1'; }")
    reconnected(olga)
    expect(olga.locator("main[data-mark]")).to_have_count(0)
    expect(olga.get_by_role("textbox", name="Footer")).to_have_value("Half of what Olga")
    expect(olga.get_by_role("img", name="The logo you chose")).to_be_visible()
    assert ["logo.png"] == olga.get_by_label("Logo file").evaluate("field => [...field.files].map((one) => one.name)")

    olga.goto("/settings/sign-in")
    secret = olga.get_by_label("Client secret")
    secret.fill("never kept")
    olga.get_by_role("main").evaluate("main => { main.dataset.mark = '1'; }")
    reconnected(olga)
    expect(olga.locator("main[data-mark]")).to_have_count(0)
    expect(secret).to_have_value("never kept")


def test_what_is_shown_once_stands_until_somebody_leaves_the_page(site: Site, browsing: Browsing) -> None:
    sam = browsing.of("sam", "/settings/tokens")
    make = sam.locator("#make")
    make.get_by_role("textbox", name="Name").fill("A script")
    make.get_by_role("button", name="Make").click()
    expect(sam.get_by_text("Your new token.")).to_be_visible()

    reconnected(sam)
    site.run(an_escalation(site))
    expect(sam.locator("#waiting")).to_have_text("1")

    expect(sam.get_by_text("Your new token.")).to_be_visible()


def test_a_page_that_was_asked_for_before_a_form_was_answered_does_not_take_the_answers_place(site: Site, browsing: Browsing) -> None:
    sam = browsing.of("sam", "/settings/tokens")
    late: list[Route] = []
    sam.route("**/settings/tokens", lambda route: late.append(route) if route.request.method == "GET" else route.continue_())
    sam.context.set_offline(True)
    expect(sam.get_by_role("status")).to_contain_text("reconnecting")
    with sam.expect_request("**/settings/tokens"):
        sam.context.set_offline(False)
    make = sam.locator("#make")
    make.get_by_role("textbox", name="Name").fill("A script")
    make.get_by_role("button", name="Make").click()
    expect(sam.get_by_text("Your new token.")).to_be_visible()
    site.run(an_escalation(site))

    late[0].continue_()
    expect(sam.locator("#waiting")).to_have_text("1")

    expect(sam.get_by_text("Your new token.")).to_be_visible()


def test_why_a_file_was_refused_stands_until_somebody_leaves_the_page(site: Site, browsing: Browsing) -> None:
    adam = browsing.of("adam", "/library/trees?do=import")
    file = FilePayload(name="tree.yaml", mimeType="application/yaml", buffer=b"name: [")
    adam.get_by_label("File").set_input_files(file)
    adam.get_by_role("dialog").get_by_role("button", name="Import").click()
    adam.wait_for_url("**/import")
    expect(adam.get_by_role("alert")).to_be_visible()

    reconnected(adam)
    site.run(an_escalation(site))
    expect(adam.locator("#waiting")).to_have_text("1")

    expect(adam.get_by_role("alert")).to_be_visible()


def test_choices_outlive_a_sign_out_and_a_server_that_is_away(site: Site, browsing: Browsing) -> None:
    adam = browsing.of("adam", "/settings/people")
    invite = adam.locator("#invite")
    invite.get_by_role("textbox", name="E-mail").fill("nora@example.test")
    invite.get_by_role("combobox", name="Role").select_option("Viewer")
    invite.get_by_role("checkbox", name="Network").check()
    invite.get_by_role("textbox", name="Name").fill("Nora")
    site.stop()
    invite.get_by_role("button", name="Invite").click()
    expect(adam.get_by_role("status")).to_contain_text("reconnecting")
    expect(invite).not_to_have_attribute("aria-busy", "true")
    site.start()
    adam.context.clear_cookies()
    adam.goto(site.link("adam"))
    adam.get_by_role("button", name="Sign in").click()
    adam.wait_for_url(lambda url: "/sign-in-link/" not in url)
    adam.goto("/settings/people")

    expect(invite.get_by_role("textbox", name="E-mail")).to_have_value("nora@example.test")
    expect(invite.get_by_role("combobox", name="Role")).to_have_value("viewer")
    expect(invite.get_by_role("checkbox", name="Network")).to_be_checked()
    invite.get_by_role("button", name="Invite").click()
    expect(adam.get_by_role("row").filter(has_text="nora@example.test")).to_have_count(1)
    expect(invite.get_by_role("combobox", name="Role")).to_have_value("engineer")
    expect(invite.get_by_role("checkbox", name="Network")).not_to_be_checked()
