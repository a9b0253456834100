"""Several users of one computer, each with a server of their own."""

import re
import signal
import socket
import sys
from html import unescape

import psutil
import pytest

from dualssl_web.cli import CommandLineError
from dualssl_web.users.cli import ports_of
from dualssl_web.users.launcher import LauncherSettings, configuration
from webServer import STAND_IN, cookieOf

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")

LAUNCHER = f"""
import sys
from dualssl_web.users import cli, launcher
launcher._COMMAND = (sys.executable, "-c", {STAND_IN!r})
cli.main()
"""
REAL_LAUNCHER = "from dualssl_web.users import cli; cli.main()"


def free_ports(count):
    """So many ports in a row that nobody uses."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            start = first.getsockname()[1] + 1
        sockets = [socket.socket() for _ in range(count)]
        try:
            for number, one in enumerate(sockets):
                one.bind(("127.0.0.1", start + number))
            return f"{start}-{start + count - 1}"
        except (OSError, OverflowError):
            continue
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("there are no free ports")


@pytest.fixture
def start_launcher(start_server):
    def start(*arguments, sessions=2, script=LAUNCHER, **environment):
        return start_server("--session-ports", free_ports(sessions), *arguments, script=script, browser=None, **environment)

    return start


@pytest.fixture
def session_of(fetch, ticket_of):
    """Starts a session as the page's button does; returns the response, the address of the session or None."""

    def begin(launcher, **headers):
        given = {"Cookie": ticket_of(launcher), "Origin": launcher.site, **headers}
        response, text = fetch("POST", f"{launcher.site}/session", headers=given)
        found = re.search(r'href="([^"]+)"', text)
        return response, None if found is None else unescape(found[1])

    return begin


def servers_of(launcher):
    """The servers of its sessions."""
    return psutil.Process(launcher.process.pid).children()


def test_two_users_at_once_have_a_program_each(start_launcher, session_of, fetch, notes_of):
    launcher = start_launcher(STAND_IN_WORKER="models")
    addresses = [session_of(launcher)[1] for _ in range(2)]
    servers = servers_of(launcher)
    assert len(servers) == 2
    launcher.until(lambda: len({note["worker"] for note in notes_of(launcher) if "worker" in note}) == 2)
    sites = [re.match(r"http://127\.0\.0\.1:\d+", address)[0] for address in addresses]
    cookies = [cookieOf(fetch("GET", address)[0]) for address in addresses]
    for mine, theirs in ((0, 1), (1, 0)):
        own, _ = fetch("GET", f"{sites[mine]}/index.html", headers={"Cookie": cookies[mine]})
        foreign, _ = fetch("GET", f"{sites[mine]}/index.html", headers={"Cookie": cookies[theirs]})
        # Browsers keep one set of cookies for all ports.
        both, _ = fetch("GET", f"{sites[mine]}/index.html", headers={"Cookie": "; ".join(cookies)})
        assert (own.status, foreign.status, both.status) == (200, 403, 200)
        borrowed = f"{sites[mine]}/?{addresses[theirs].partition('?')[2]}"
        assert fetch("GET", borrowed)[0].status == 403


def test_no_secret_is_among_the_arguments_or_left_in_a_file(start_launcher, session_of):
    launcher = start_launcher()
    token = session_of(launcher)[1].partition("token=")[2]
    (server,) = servers_of(launcher)
    assert token not in " ".join(server.cmdline())
    files = [path for path in launcher.home.rglob("*") if path.is_file()]
    assert [path for path in files if token.encode() in path.read_bytes()] == []
    assert token not in launcher.output


def test_nobody_starts_a_session_without_the_launchers_own_page(start_launcher, session_of, fetch):
    launcher = start_launcher()
    assert session_of(launcher, Cookie="")[0].status == 403
    assert session_of(launcher, Origin="http://evil.example")[0].status == 403
    assert fetch("GET", launcher.site)[0].status == 403
    assert servers_of(launcher) == []


def test_there_are_no_more_sessions_than_ports_and_an_ended_one_makes_room(start_launcher, session_of):
    launcher = start_launcher(sessions=1)
    first = session_of(launcher)[1]
    assert first is not None
    response, second = session_of(launcher)
    assert (response.status, second) == (503, None)
    (server,) = servers_of(launcher)
    server.terminate()
    launcher.until(lambda: server.status() == psutil.STATUS_ZOMBIE)
    assert session_of(launcher)[1] is not None


@unix
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_all_sessions_end_with_the_launcher(start_launcher, session_of, notes_of, how):
    launcher = start_launcher(STAND_IN_WORKER="models")
    session_of(launcher)
    launcher.until(lambda: any("worker" in note for note in notes_of(launcher)))
    below = launcher.descendants()
    assert len(below) == 2
    # Asserts that nobody of them is left.
    status = launcher.end(how)
    assert status == (-signal.SIGKILL if how == signal.SIGKILL else 0), launcher.output
    assert notes_of(launcher)[-1] == {"closed": True}


def test_a_password_guards_the_launcher(start_launcher, fetch, tmp_path):
    (tmp_path / "password").write_text("correct horse", encoding="utf-8")
    launcher = start_launcher("--host", "0.0.0.0", "--password-file", tmp_path / "password")
    origin = {"Origin": launcher.site}
    assert fetch("POST", f"{launcher.site}/login", data={"password": "wrong"}, headers=origin)[0].status == 403
    response, _ = fetch("POST", f"{launcher.site}/login", data={"password": "correct horse"}, headers=origin)
    cookie = {"Cookie": cookieOf(response)}
    assert "Start a session" in fetch("GET", launcher.site, headers=cookie)[1]
    response, text = fetch("POST", f"{launcher.site}/session", headers={**cookie, **origin})
    address = unescape(re.search(r'href="([^"]+)"', text)[1])
    assert fetch("GET", address)[0].status == 303


def test_ports_are_a_range():
    assert ports_of("8081-8084") == (8081, 8084)
    assert ports_of("9000-9000") == (9000, 9000)


@pytest.mark.parametrize("ports", ["8081", "8090-8081", "a-b", "0-3", "1-70000", "-5", "1-2-3", "", "²-3"])
def test_ports_that_are_none_are_refused_with_a_sentence(ports):
    with pytest.raises(CommandLineError, match="first and the last port"):
        ports_of(ports)


def test_others_are_let_in_with_a_password_alone(start_launcher):
    launcher = start_launcher("--host", "0.0.0.0")
    assert launcher.process.wait(120) == 2
    launcher.until(lambda: "--password-file FILE" in launcher.output)


def test_dollars_in_names_stay_as_they_are(tmp_path):
    from wslink.launcher import replaceList

    settings = LauncherSettings(tmp_path / "${port} costs $5", (1, 2), arguments=("--volume", "$$x"))
    command = configuration(settings, tmp_path)["apps"]["dualssl"]["cmd"]
    filled = replaceList(command, [{"port": 1, "token_file": "/secret"}, {}], {})
    assert str(tmp_path / "${port} costs $5") in filled
    assert "$$x" in filled
    assert filled[-4:] == ["--port", "1", "--token-file", "/secret"]


def test_two_people_start_their_sessions_by_mouse(start_launcher, a_browser):
    launcher = start_launcher()
    pages = [a_browser.new_context().new_page() for _ in range(2)]
    try:
        for page in pages:
            page.goto(launcher.url)
            page.get_by_role("button", name="Start a session").click(timeout=120_000)
        for page in pages:
            page.wait_for_selector("#heading", timeout=120_000)
        assert len({page.url for page in pages}) == 2
        pages[0].reload()
        pages[0].wait_for_selector("#heading")
    finally:
        for page in pages:
            page.context.close()


def test_two_people_see_the_application_at_once(start_launcher, a_browser):
    pytest.importorskip("slicer", reason="there is no slicer-core for this system")
    launcher = start_launcher(script=REAL_LAUNCHER)
    pages = [a_browser.new_context().new_page() for _ in range(2)]
    try:
        for page in pages:
            page.goto(launcher.url)
            page.get_by_role("button", name="Start a session").click(timeout=120_000)
        for page in pages:
            page.wait_for_selector("canvas, img", state="attached", timeout=120_000)
        assert len({page.url for page in pages}) == 2
        assert len(servers_of(launcher)) == 2
    finally:
        for page in pages:
            page.context.close()
    assert launcher.end() == 0, launcher.output
