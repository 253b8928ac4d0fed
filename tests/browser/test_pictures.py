"""Pictures in a session's form: by button, paste and drop, without a script, and what becomes of those that cannot be sent."""

from base64 import b64encode
from typing import Any

from playwright.sync_api import FilePayload, Page, expect

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.identifiers import SessionId
from tests.support.pictures import a_picture

from .cases import a_session, an_investigation
from .conftest import TELEPHONE, Browsing
from .site import Site
from .test_manners import AXE

SHOT: FilePayload = {"name": "error.png", "mimeType": "image/png", "buffer": a_picture(size=(640, 400))}


HOLD = """() => new Promise((resolve) => {
  const opening = indexedDB.open("flowpilot");
  opening.onsuccess = () => {
    const shots = opening.result.transaction("shots", "readwrite").objectStore("shots");
    const again = () => { resolve(); shots.count().onsuccess = again; };
    again();
  };
})"""
"""What the browser keeps of pictures is locked for as long as the page is there, so that nothing else is written."""


def _pictures(site: Site, session_id: SessionId) -> list[tuple[str, list[str | None]]]:
    """What each step says, with what its pictures show."""
    detail = site.run(site.flowpilot.sessions.get(site.person("jo"), session_id))
    return [(step.content, [picture.alt for picture in step.pictures]) for step in detail.steps]


def _gives(page: Page, event: str, data: dict[str, str]) -> None:
    """Paste or drop a picture, with what else comes along."""
    page.evaluate(
        """([event, base64, also]) => {
            const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "clip.png", { type: "image/png" }));
            for (const [type, text] of Object.entries(also)) data.setData(type, text);
            const given = event === "paste" ? new ClipboardEvent(event, { clipboardData: data, bubbles: true, cancelable: true })
              : new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true });
            document.getElementById("content").dispatchEvent(given);
        }""",
        [event, b64encode(a_picture()).decode(), data],
    )


def _shown(page: Page, name: str) -> Any:
    """A picture of a step, once all of it is there."""
    image = page.get_by_role("img", name=name, exact=True)
    expect(image).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    return image


def test_a_picture_by_the_button_is_previewed_and_sent_with_its_step_and_others_see_it(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo, sam = browsing.of("jo", f"/sessions/{session_id}"), browsing.of("sam", f"/sessions/{session_id}")

    with jo.expect_file_chooser() as choosing:
        jo.get_by_role("button", name="Picture").click()
    choosing.value.set_files([SHOT])
    preview = jo.get_by_role("img", name="error.png")
    expect(preview).to_be_visible()
    assert str(preview.get_attribute("src")).startswith("blob:")
    jo.get_by_role("textbox", name="What error.png shows").fill("The error")
    jo.get_by_role("textbox", name="Next step").fill("Took a picture of it")
    jo.get_by_role("button", name="Add step").click()

    image = _shown(jo, "The error")
    assert (320, 200) == tuple(image.evaluate("image => [image.width, image.height]"))
    assert f"/ai-sessions/{session_id}/steps/" in str(jo.locator(".shots a").get_attribute("href"))
    expect(preview).to_have_count(0)
    _shown(sam, "The error")
    assert [("Took a picture of it", ["The error"])] == _pictures(site, session_id)
    jo.evaluate(AXE)
    assert [] == jo.evaluate("axe.run()")["violations"]


def test_a_picture_is_pasted_and_dropped_and_words_that_are_pasted_stay_words(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")

    _gives(jo, "paste", {"text/plain": "words of a document"})
    expect(jo.locator("#previews figure")).to_have_count(0)
    _gives(jo, "paste", {})
    _gives(jo, "drop", {})
    expect(jo.locator("#previews figure")).to_have_count(2)
    jo.get_by_role("button", name="Remove clip.png").first.click()
    expect(jo.locator("#previews figure")).to_have_count(1)
    jo.get_by_role("button", name="Add step").click()

    _shown(jo, "Picture of step 1")
    assert [("See the picture", [None])] == _pictures(site, session_id)


def test_a_picture_that_is_refused_says_why_and_its_step_is_there(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    field = jo.get_by_label("Picture", exact=True)

    field.set_input_files([FilePayload(name="note.txt", mimeType="text/plain", buffer=b"x")])
    expect(jo.get_by_role("alert")).to_have_text("note.txt cannot be added: it is no PNG, JPEG or WebP")
    field.set_input_files([FilePayload(name="broken.png", mimeType="image/png", buffer=a_picture()[:-20]), SHOT])
    jo.get_by_role("textbox", name="Next step").fill("Looked at it")
    jo.get_by_role("button", name="Add step").click()

    expect(jo.get_by_role("alert")).to_contain_text("broken.png cannot be added")
    expect(jo.get_by_role("alert")).to_contain_text("its file is cut")
    _shown(jo, "Picture of step 1")
    assert [("Looked at it", [None])] == _pictures(site, session_id)


def test_no_picture_is_lost_by_a_reload_or_a_server_that_is_away_and_it_is_added_once(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    jo.get_by_label("Picture", exact=True).set_input_files([SHOT])
    jo.get_by_role("textbox", name="What error.png shows").fill("The error")
    expect(jo.get_by_role("img", name="error.png")).to_be_visible()
    jo.reload()
    expect(jo.get_by_role("img", name="error.png")).to_be_visible()
    expect(jo.get_by_role("textbox", name="What error.png shows")).to_have_value("The error")

    site.stop()
    jo.get_by_role("textbox", name="Next step").fill("While it was away")
    jo.get_by_role("button", name="Add step").click()
    expect(jo.locator(".unsent-pictures")).to_contain_text("While it was away")
    expect(jo.get_by_role("textbox", name="Next step")).to_have_value("")
    site.start()

    _shown(jo, "The error")
    expect(jo.locator(".unsent-pictures")).to_have_count(0)
    assert [("While it was away", ["The error"])] == _pictures(site, session_id)


def test_what_a_picture_shows_is_kept_at_each_key_and_a_page_that_is_left_meanwhile_loses_nothing(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}")
    jo.get_by_label("Picture", exact=True).set_input_files([SHOT])
    expect(jo.get_by_role("img", name="error.png")).to_be_visible()

    jo.evaluate(HOLD)
    jo.get_by_role("textbox", name="What error.png shows").fill("The error")
    jo.get_by_role("textbox", name="Next step").fill("Took a picture of it")
    jo.get_by_role("button", name="Add step").click()
    expect(jo.locator("#add")).to_have_attribute("aria-busy", "true")
    jo.reload()

    expect(jo.get_by_role("textbox", name="Next step")).to_have_value("Took a picture of it")
    expect(jo.get_by_role("textbox", name="What error.png shows")).to_have_value("The error")
    jo.get_by_role("button", name="Add step").click()
    _shown(jo, "The error")
    assert [("Took a picture of it", ["The error"])] == _pictures(site, session_id)
    assert [] == jo.evaluate("Object.keys(localStorage).filter((name) => name.includes(' shows '))")


def test_what_is_chosen_stays_while_a_colleague_adds_steps(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo, sam = browsing.of("jo", f"/sessions/{session_id}"), browsing.of("sam", f"/sessions/{session_id}")
    sam.get_by_role("button", name="Join").click()
    sam.get_by_label("Picture", exact=True).set_input_files([SHOT])
    said = sam.get_by_role("textbox", name="What error.png shows")
    said.press_sequentially("Half of what")

    jo.get_by_role("textbox", name="Next step").fill("What Jo did")
    jo.get_by_role("button", name="Add step").click()

    expect(sam.get_by_role("listitem").filter(has_text="What Jo did")).to_be_visible()
    expect(said).to_be_focused()
    expect(said).to_have_value("Half of what")
    expect(sam.get_by_role("img", name="error.png")).to_be_visible()


def test_without_a_script_a_picture_is_uploaded_by_a_plain_form(site: Site, browsing: Browsing) -> None:
    session_id = site.run(a_session(site))
    jo = browsing.of("jo", f"/sessions/{session_id}", java_script_enabled=False)
    jo.get_by_role("textbox", name="Next step").fill("Took a picture of it")
    jo.get_by_role("button", name="Add step").click()

    jo.get_by_label("Picture", exact=True).set_input_files([FilePayload(name="x.png", mimeType="image/png", buffer=a_picture()[:-20])])
    jo.get_by_role("button", name="Upload").click()
    expect(jo.get_by_role("alert")).to_contain_text("its file is cut")
    jo.get_by_label("Picture", exact=True).set_input_files([SHOT])
    jo.get_by_role("textbox", name="What it shows").fill("The error")
    jo.get_by_role("button", name="Upload").click()

    expect(jo.get_by_role("img", name="The error")).to_be_visible()
    assert [("Took a picture of it", ["The error"])] == _pictures(site, session_id)


def test_a_senior_sees_the_pictures_of_an_escalation_on_a_telephone(site: Site, browsing: Browsing) -> None:
    async def escalated() -> object:
        flowpilot, jo = site.flowpilot, site.person("jo")
        session_id = await an_investigation(site)
        step = (await flowpilot.sessions.get(jo, session_id)).steps[0]
        await flowpilot.pictures.add(jo, session_id, step.id, content=a_picture(size=(1200, 900)), alt="The error")
        handed = await flowpilot.handoffs.hand_off(jo, session_id, intent=Intent.ESCALATE, reason="Stuck")
        return handed.handoff.id

    handoff_id = site.run(escalated())
    sue = browsing.of("sue", f"/escalations/{handoff_id}", viewport=TELEPHONE)

    _shown(sue, "The error")
    assert f"/handoffs/{handoff_id}/pictures/" in str(sue.locator(".shots a").get_attribute("href"))
    assert 390 == sue.evaluate("document.documentElement.scrollWidth")
