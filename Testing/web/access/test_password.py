"""A server that asks for a password."""

import pytest

from dualssl_web.access.password import Attempts
from webServer import cookieOf

PASSWORD = "correct horse é"


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return path


@pytest.fixture
def a_guarded_server(start_server, password_file):
    return start_server("--password-file", password_file, "--host", "0.0.0.0")


@pytest.fixture
def enter(fetch):
    def post(server, password, **headers):
        return fetch("POST", f"{server.site}/login", data={"password": password}, headers={"Origin": server.site, **headers})

    return post


def test_the_right_password_opens_the_page(a_guarded_server, fetch, enter):
    assert "token" not in a_guarded_server.url
    response, _ = fetch("GET", a_guarded_server.url)
    assert (response.status, response.headers["Location"]) == (303, "/login")
    response, form = fetch("GET", f"{a_guarded_server.site}/login")
    assert response.status == 200
    assert 'type="password"' in form
    response, _ = enter(a_guarded_server, PASSWORD)
    assert (response.status, response.headers["Location"]) == (303, "/")
    headers = {"Cookie": cookieOf(response)}
    assert "<html" in fetch("GET", f"{a_guarded_server.site}/index.html", headers=headers)[1]
    assert fetch("GET", f"{a_guarded_server.site}/login", headers=headers)[0].headers["Location"] == "/"


def test_a_wrong_password_is_said_so_and_after_five_there_is_a_pause(a_guarded_server, enter, fetch):
    for guess in ("", "wrong", PASSWORD.upper(), PASSWORD + " ", "a" * 100):
        response, text = enter(a_guarded_server, guess)
        assert response.status == 403
        assert "This is not the password" in text
        assert "Set-Cookie" not in response.headers
    response, text = enter(a_guarded_server, PASSWORD)
    assert response.status == 429
    assert "wait a minute" in text
    assert fetch("GET", f"{a_guarded_server.site}/vue.global.js")[0].status == 403


def test_only_the_servers_own_form_may_be_answered(a_guarded_server, enter):
    assert enter(a_guarded_server, PASSWORD, Origin="http://evil.example")[0].status == 403
    assert enter(a_guarded_server, PASSWORD, Origin="null")[0].status == 403


def test_a_long_answer_is_not_read(a_guarded_server, enter):
    assert enter(a_guarded_server, "a" * 10_000)[0].status == 413


def test_without_the_password_only_the_form_is_shown(a_guarded_server, fetch):
    for path in ("/vue.global.js", "/upload", "/ws", "/nothing"):
        response, text = fetch("GET", f"{a_guarded_server.site}{path}", headers={"Origin": a_guarded_server.site})
        assert response.status == 403
        assert text == "This page is private: enter the password on the server's first page.\n"


def test_the_password_is_written_nowhere(a_guarded_server, enter):
    enter(a_guarded_server, PASSWORD)
    enter(a_guarded_server, "another secret")
    a_guarded_server.end()
    assert PASSWORD not in a_guarded_server.output
    assert "another secret" not in a_guarded_server.output


def test_a_person_enters_by_the_form(a_guarded_server, a_page):
    a_page.goto(a_guarded_server.url)
    a_page.get_by_label("Password of this server").fill("wrong")
    a_page.get_by_role("button", name="Enter").click()
    a_page.wait_for_selector("text=This is not the password")
    a_page.get_by_label("Password of this server").fill(PASSWORD)
    a_page.keyboard.press("Enter")
    a_page.wait_for_selector("#heading")


def test_an_address_by_number_is_taken_where_other_computers_may_come_in(a_guarded_server, fetch):
    url = f"{a_guarded_server.site}/login"
    assert fetch("GET", url, headers={"Host": "192.0.2.7:8080"})[0].status == 200
    assert fetch("GET", url, headers={"Host": "evil.example"})[0].status == 403


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_whoever_waits_a_minute_may_try_again():
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(5):
        assert not attempts.too_many("a")
        attempts.count("a")
    assert attempts.too_many("a")
    assert not attempts.too_many("b")
    clock.now = 60.1
    assert not attempts.too_many("a")


def test_a_right_answer_clears_the_count():
    attempts = Attempts()
    for _ in range(4):
        attempts.count("a")
    attempts.forget("a")
    attempts.count("a")
    assert not attempts.too_many("a")


def test_many_addresses_take_no_more_memory():
    attempts = Attempts()
    for number in range(5000):
        attempts.count(str(number))
    assert len(attempts._wrong) <= 1000
