"""Who is let in, and what is left when the server ends."""

import signal
import sys

import pytest


def test_a_wrong_token_is_refused_with_one_sentence(a_page, start_server):
    server = start_server(script=None)
    response = a_page.goto(server.site + "/?token=guessed")
    assert response.status == 403
    assert a_page.inner_text("body").strip() == (
        "The token in this address is not this server's: open the address that it printed last."
    )
    assert a_page.locator("#segment-button").count() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
def test_nothing_is_left_after_a_server_whose_engine_worked(a_browser, start_server, a_person_at):
    server = start_server(script=None)
    person = a_person_at(server)
    person.opens()
    person.segments()
    assert server.descendants()
    assert "token=" not in person.page.url
    # It waits until no process below it is left.
    assert server.end(signal.SIGTERM) == 0, server.output
    assert list((server.home / "sessions").glob("session-*")) == []
