"""The library in browsers: trees walked live, by keyboard alone and without a script, and written node by node."""

import re

from playwright.sync_api import expect

from .cases import a_script, a_session, a_tree, learnt, walking
from .conftest import Browsing
from .site import Site


def test_a_tree_is_walked_with_clicks_and_who_looks_on_sees_it_move(site: Site, browsing: Browsing) -> None:
    session_id = site.run(walking(site))
    jo, sam = browsing.of("jo", f"/sessions/{session_id}"), browsing.of("sam", f"/sessions/{session_id}")
    expect(sam.get_by_role("region", name="Tree").get_by_text("Whose VPN drops at Lakeside?")).to_be_visible()
    expect(sam.get_by_role("button", name="Everybody")).to_have_count(0)

    jo.get_by_role("button", name="Some").click()
    expect(jo.get_by_role("region", name="Tree")).to_contain_text("Keep a ping running")
    expect(sam.get_by_role("region", name="Tree")).to_contain_text("Keep a ping running")
    jo.get_by_role("region", name="Tree").get_by_role("button", name="Worked").click()

    expect(sam.get_by_role("region", name="Tree")).to_contain_text("The idle timeout of the gateway was ten minutes")
    jo.get_by_role("region", name="Tree").get_by_role("button", name="Resolve").click()
    expect(jo.get_by_role("dialog").get_by_role("textbox", name="Summary")).to_have_value("The idle timeout of the gateway was ten minutes")


def test_a_tree_is_walked_by_keyboard_alone(site: Site, browsing: Browsing) -> None:
    session_id = site.run(walking(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    jo.get_by_role("button", name="Everybody").focus()

    jo.keyboard.press("Enter")
    expect(jo.get_by_role("region", name="Tree")).to_contain_text("Does the line drop too?")
    expect(jo.get_by_role("button", name="Yes", exact=True)).to_be_focused()
    jo.keyboard.press("Tab")
    jo.keyboard.press("Enter")

    expect(jo.get_by_role("region", name="Tree")).to_contain_text("Update the gateway and restart it")


def test_without_a_script_a_tree_is_followed_split_and_left(site: Site, browsing: Browsing) -> None:
    site.run(a_tree(site))
    session_id = site.run(a_session(site, title="VPN drops", problem="Somebody loses the VPN every ten minutes."))
    jo = browsing.of("jo", f"/sessions/{session_id}", java_script_enabled=False)

    jo.get_by_role("button", name="Follow VPN drops every ten minutes").click()
    dialog = jo.get_by_role("dialog", name="Follow VPN drops every ten minutes")
    dialog.get_by_role("textbox", name="Site").fill("Lakeside")
    dialog.get_by_role("button", name="Follow", exact=True).click()
    expect(jo.get_by_role("region", name="Tree")).to_contain_text("Whose VPN drops at Lakeside?")
    jo.get_by_text("Several are true").click()
    jo.get_by_role("checkbox", name="Everybody").check()
    jo.get_by_role("checkbox", name="Some").check()
    jo.get_by_role("button", name="Split the branch").click()
    expect(jo.get_by_role("tab")).to_have_count(3)
    jo.get_by_role("button", name="Go on without the tree").click()
    jo.get_by_role("dialog").get_by_role("textbox", name="Reason").fill("The line is up")
    jo.get_by_role("dialog").get_by_role("button", name="Leave it").click()

    expect(jo.get_by_role("region", name="Tree")).to_contain_text("The line is up")


def test_what_was_typed_as_evidence_is_kept_while_the_page_is_read_again(site: Site, browsing: Browsing) -> None:
    session_id = site.run(walking(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    tree = jo.get_by_role("region", name="Tree")
    tree.get_by_text("Evidence", exact=True).click()
    tree.get_by_role("textbox", name="Evidence of this answer").fill("All nine")

    jo.reload()
    expect(tree.get_by_role("textbox", name="Evidence of this answer")).to_have_value("All nine")
    tree.get_by_role("button", name="Everybody").click()

    expect(jo.get_by_role("listitem").filter(has_text="All nine")).to_have_count(1)
    expect(tree.get_by_text("Does the line drop too?")).to_be_visible()


def test_a_tree_is_written_by_keyboard_alone(site: Site, browsing: Browsing) -> None:
    adam = browsing.of("adam", "/library")
    adam.get_by_role("button", name="New tree").focus()
    adam.keyboard.press("Enter")
    expect(adam.get_by_role("dialog", name="New tree").get_by_role("textbox", name="Name")).to_be_focused()
    adam.keyboard.type("Nobody can print")
    adam.keyboard.press("Enter")
    adam.wait_for_url(re.compile("/edit$"))
    expect(adam.get_by_role("heading", level=1)).to_have_text("Edit: Nobody can print")

    first = adam.get_by_role("region", name="The first node")
    first.get_by_role("textbox", name="Id").focus()
    adam.keyboard.type("queue")
    adam.keyboard.press("Enter")
    expect(adam.get_by_role("heading", name="Question queue")).to_be_visible()
    written = adam.get_by_role("region", name="Question queue")
    expect(written.get_by_text("a question says something.")).to_be_visible()
    written.get_by_role("textbox", name="Text").focus()
    adam.keyboard.type("Is anything in the queue?")
    written.get_by_label("Answer 1", exact=True).focus()
    adam.keyboard.type("Yes")
    adam.keyboard.press("Tab")
    adam.keyboard.type("spooler")
    adam.keyboard.press("Escape")
    written.get_by_role("button", name="Save").focus()
    adam.keyboard.press("Enter")

    expect(written.get_by_text("there is no node spooler.")).to_be_visible()
    written.get_by_role("button", name="Write spooler").focus()
    adam.keyboard.press("Enter")
    expect(adam.get_by_role("heading", name="Question spooler")).to_be_visible()
    expect(adam.get_by_role("navigation", name="Nodes").get_by_role("link")).to_have_count(2)


def test_each_node_of_the_drawing_leads_to_where_it_is_read(site: Site, browsing: Browsing) -> None:
    tree_id = site.run(a_tree(site))
    vera = browsing.of("vera", f"/library/trees/{tree_id}")

    expect(vera.get_by_role("img", name=re.compile("A drawing of 8 nodes"))).to_be_visible()
    vera.locator(".drawing a").nth(1).click()

    expect(vera).to_have_url(re.compile("#node-line$"))
    expect(vera.locator("li.step:target")).to_contain_text("Does the line drop too?")


def test_who_was_quicker_with_a_node_is_shown_and_what_was_typed_stays(site: Site, browsing: Browsing) -> None:
    tree_id = site.run(a_tree(site, "jo", publish=False))
    jo = browsing.of("jo", f"/library/trees/{tree_id}/edit?node=senior")
    adam = browsing.of("adam", f"/library/trees/{tree_id}/edit?node=senior")
    written = jo.get_by_role("region", name="Outcome senior")
    written.get_by_role("textbox", name="Text").fill("Ask Sam")
    of_adam = adam.get_by_role("region", name="Outcome senior")
    of_adam.get_by_role("textbox", name="Text").fill("Ask Sue")
    of_adam.get_by_role("button", name="Save").click()
    expect(adam.get_by_role("navigation", name="Nodes")).to_contain_text("Ask Sue")

    written.get_by_role("button", name="Save").click()
    expect(jo.get_by_role("alert")).to_contain_text("Now it says: Ask Sue")
    expect(written.get_by_role("textbox", name="Text")).to_have_value("Ask Sam")
    written.get_by_role("button", name="Save").click()

    expect(jo.get_by_role("navigation", name="Nodes")).to_contain_text("Ask Sam")


def test_a_tree_comes_and_goes_as_a_file_without_a_script(site: Site, browsing: Browsing) -> None:
    tree_id = site.run(a_tree(site))
    adam = browsing.of("adam", f"/library/trees/{tree_id}", java_script_enabled=False)
    with adam.expect_download() as download:
        adam.get_by_role("link", name="Export").click()

    adam.goto("/library/trees")
    adam.get_by_role("button", name="Import").click()
    adam.get_by_label("File").set_input_files(download.value.path())
    adam.get_by_role("dialog").get_by_role("button", name="Import").click()

    expect(adam.get_by_role("heading", level=1)).to_have_text("VPN drops every ten minutes")
    expect(adam.get_by_role("button", name="Publish")).to_be_visible()


def test_a_script_is_filled_in_copied_and_recorded_in_the_session(site: Site, browsing: Browsing) -> None:
    site.run(a_script(site))
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}", permissions=["clipboard-read", "clipboard-write"])
    jo.get_by_role("link", name="Take a script from the library").click()
    jo.get_by_role("link", name="Ping a host").click()
    jo.get_by_role("textbox", name="Host").fill("vpn.lakeside.example")

    jo.get_by_role("button", name="Record as step").click()
    expect(jo.get_by_text("Recorded as step 1.")).to_be_visible()
    jo.get_by_role("button", name="Copy", exact=True).click()
    expect(jo.get_by_role("status")).to_have_text("Copied")

    assert "Test-Connection -TargetName 'vpn.lakeside.example' -Count 4" == jo.evaluate("navigator.clipboard.readText()").strip()
    jo.get_by_role("link", name="session", exact=True).click()
    expect(jo.get_by_role("listitem").filter(has_text="Ping a host")).to_be_visible()


def test_without_a_script_of_ours_a_script_of_theirs_is_written_and_filled_in(site: Site, browsing: Browsing) -> None:
    adam = browsing.of("adam", "/library/scripts", java_script_enabled=False)
    adam.get_by_role("button", name="New script").click()
    adam.get_by_role("dialog").get_by_role("textbox", name="Name").fill("Free space")
    adam.get_by_role("dialog").get_by_role("button", name="Begin").click()
    adam.get_by_role("combobox", name="Language").select_option("bash")
    adam.get_by_role("textbox", name="Script", exact=True).fill('df -h "{{ folder }}"')
    adam.get_by_role("button", name="Save", exact=True).click()
    expect(adam.get_by_role("alert")).to_contain_text("stands inside quotes")

    adam.get_by_role("textbox", name="Script", exact=True).fill("df -h -- {{ folder }}")
    adam.get_by_role("button", name="Save", exact=True).click()
    adam.get_by_text("Another parameter").click()
    adam.get_by_role("textbox", name="Name").fill("folder")
    adam.get_by_role("textbox", name="What people read").fill("Folder")
    adam.get_by_role("button", name="Add").click()
    expect(adam.get_by_text("nothing is missing")).to_be_visible()
    adam.get_by_role("link", name="Free space").click()
    adam.get_by_role("textbox", name="Folder").fill("/var/spool")
    adam.get_by_role("button", name="Show the script").click()

    expect(adam.get_by_role("group", name="The script")).to_have_text("df -h -- '/var/spool'")
    expect(adam.get_by_role("button", name="Copy", exact=True)).to_have_count(0)


def test_a_proposal_is_rejected_by_keyboard_and_another_accepted_without_a_script(site: Site, browsing: Browsing) -> None:
    rejected = site.run(learnt(site))
    adam = browsing.of("adam", f"/library/proposals/{rejected}")
    expect(adam.get_by_role("heading", level=1)).to_have_text("The VPN is gone at Lakeside")
    adam.get_by_text("Reject", exact=True).first.focus()
    adam.keyboard.press("Enter")
    adam.keyboard.press("Tab")
    adam.keyboard.type("Happens once in ten years")
    adam.keyboard.press("Tab")
    adam.keyboard.press("Enter")
    expect(adam).to_have_url(re.compile("/library/proposals$"))
    expect(adam.get_by_role("article")).to_have_count(0)

    accepted = site.run(learnt(site))
    olga = browsing.of("olga", "/library/proposals", java_script_enabled=False)
    olga.get_by_role("link", name="The VPN is gone at Lakeside").click()
    expect(olga).to_have_url(re.compile(f"{accepted}$"))
    expect(olga.get_by_role("region", name="Why").get_by_role("link")).to_have_count(1)
    expect(olga.get_by_role("region", name="Added")).to_contain_text("Put the port back")
    olga.get_by_role("button", name="Accept as a draft").click()

    expect(olga.get_by_text("This is the draft of Olga Berg.")).to_be_visible()
