"""The verification page in a real browser: what it loads, what its policy lets through, and what the button does."""

import base64
import re

from tests.browser import Tab
from tests.journeys.hands import send
from tests.service import Service

LINK = "CHANNEL_VERIFY_EMAIL_LINK"


def test_a_person_opens_the_link_and_presses_the_button(sqlite_service: Service, tab: Tab):
    service = sqlite_service
    ann = service.person(email_verified=False)
    send(service.client(), LINK, ann.email)
    [link] = re.findall(r"https?://\S+", service.message(ann.email, LINK)["text"])
    tab.ask("Page.navigate", url=link)
    tab.until("document.title", "Verify your e-mail address")
    tab.until("document.querySelector('button').getBoundingClientRect().height > 30", wanted=True)
    assert tab.value("getComputedStyle(document.querySelector('button')).cursor") == "pointer", (
        "its style came"
    )
    assert not ann.client.get_profile().data.email_verified
    tab.value("document.querySelector('button').click()")
    tab.until("document.title", "Your address is verified")
    assert ann.client.get_profile().data.email_verified
    picture = base64.b64decode(tab.ask("Page.captureScreenshot", format="png")["data"])
    assert picture.startswith(b"\x89PNG")
    assert all(url.startswith(service.url) for url in tab.loaded), tab.loaded
    assert not tab.failures
    assert not tab.complaints, "the page does nothing that its own policy forbids"
