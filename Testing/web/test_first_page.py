"""trame's first page as it is sent: the picture of waiting never takes the place of an application that was faster."""

from pathlib import Path

import pytest
import trame_client.module

from dualssl_web.first_page import FirstPage

INDEX = Path(trame_client.module.__file__).parent / "vue3-www" / "index.html"


def test_only_the_script_that_waits_is_another_one():
    theirs, ours = INDEX.read_text(encoding="utf-8"), FirstPage(INDEX).text
    assert theirs.count("<script>") == ours.count("<script>") == 1
    assert "hasChildNodes" in ours
    assert "hasChildNodes" not in theirs
    assert ours.split("<script>")[0] == theirs.split("<script>")[0]
    assert ours.split("</script>")[-1] == theirs.split("</script>")[-1]


def test_a_page_without_it_stays_as_it_is(tmp_path):
    page = "<html><script>let a = 1;</script><script>let b = 2;</script></html>"
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert FirstPage(tmp_path / "index.html").text == page


@pytest.fixture
def a_slow_picture(a_page):
    """The picture of waiting comes when the application has long been there."""
    held = []
    a_page.route("**/loading.tpl", lambda route: held.append(route))
    return held


def test_an_application_that_was_faster_stays(a_server, a_page, a_slow_picture):
    a_page.goto(a_server.url)
    a_page.wait_for_selector("#heading")
    [picture] = a_slow_picture
    with a_page.expect_response("**/loading.tpl"):
        picture.fulfill(body="<p id='waiting'>Wait</p>")
    a_page.wait_for_timeout(300)
    assert a_page.locator("#heading").is_visible()
    assert not a_page.locator("#waiting").count()


def test_whoever_waits_sees_the_picture(a_server, a_page):
    held = []
    a_page.goto(a_server.url)
    a_page.wait_for_selector("#heading")
    a_page.route("**/assets/*.js", lambda route: held.append(route))
    a_page.reload(wait_until="commit")
    a_page.wait_for_selector(".trame__loader")
    for request in held:
        request.continue_()
    a_page.wait_for_selector("#heading")
