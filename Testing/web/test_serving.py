"""A server from its start to its end, however it ends."""

import json
import os
import signal
import socket
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from dualssl_web.browser import has_screen
from webServer import STAND_IN, cookieOf

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")


@pytest.fixture
def with_worker(start_server, notes_of):
    """Starts a server whose engine has answered; returns it and the engine's process."""

    def start(*arguments, **options):
        server = start_server(*arguments, STAND_IN_WORKER="models", **options)
        server.until(lambda: any("worker" in note for note in notes_of(server)))
        pid = next(note["worker"] for note in notes_of(server) if "worker" in note)
        return server, psutil.Process(pid)

    return start


def sessions(server):
    return sorted(path.name for path in (server.home / "sessions").glob("session-*"))


def gone(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_address_is_printed_once_the_port_is_open(start_server):
    server = start_server()
    with socket.create_connection(("127.0.0.1", server.port), 10):
        pass
    assert server.url.startswith(f"http://127.0.0.1:{server.port}/?token=")


def listening(server):
    """Addresses and ports."""
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    return [tuple(one.laddr) for one in connections if one.status == psutil.CONN_LISTEN]


def test_nobody_else_can_reach_it(start_server):
    server = start_server()
    port = server.port
    assert listening(server) == [("127.0.0.1", port)]


@unix
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_asked_to_end_takes_its_engine_and_its_files_along(with_worker, notes_of, how):
    server, worker = with_worker()
    assert len(sessions(server)) == 1
    assert worker.is_running()
    assert server.end(how) == 0, server.output
    assert gone(worker)
    assert sessions(server) == []
    assert notes_of(server)[-1] == {"closed": True}
    assert "Traceback" not in server.output
    assert "never retrieved" not in server.output


@unix
def test_ctrl_c_in_the_terminal_reaches_the_server_alone(with_worker, notes_of):
    """A terminal signals the whole group."""
    server, worker = with_worker()
    assert os.getpgid(worker.pid) == worker.pid
    assert server.end(signal.SIGINT) == 0
    assert notes_of(server)[-1] == {"closed": True}


@unix
def test_a_server_that_is_killed_leaves_no_engine(with_worker):
    server, worker = with_worker()
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    assert gone(worker)


@unix
def test_what_a_killed_server_left_is_cleared_by_the_next_and_what_runs_is_left_alone(start_server, fetch):
    killed = start_server()
    left = killed.home / "sessions" / (killed.url and sessions(killed)[0])
    (left / "uploads").mkdir()
    (left / "uploads" / "scan.nrrd").touch()
    running = start_server(home=killed.home)
    assert running.url
    killed.end(signal.SIGKILL)
    assert left.exists()
    before = sessions(running)
    third = start_server(home=killed.home)
    assert third.url
    assert not left.exists()
    assert len(set(sessions(third)) & set(before)) == 1
    assert fetch("GET", running.url)[0].status == 303


@unix
def test_an_engine_that_does_not_leave_is_ended_by_force(start_server, notes_of):
    server = start_server(STAND_IN_WORKER="models")
    server.until(lambda: any("worker" in note for note in notes_of(server)))
    worker = psutil.Process(next(note["worker"] for note in notes_of(server) if "worker" in note))
    # It neither sees that its stdin has ended nor ends by itself.
    worker.suspend()
    assert server.end() == 0
    assert gone(worker)


@unix
def test_an_open_page_and_a_broken_upload_do_not_hold_up_the_end(start_server, ticket_of):
    server = start_server()
    cookie, port = ticket_of(server), server.port
    with socket.create_connection(("127.0.0.1", port)) as upload:
        head = f"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {server.site}\r\nCookie: {cookie}\r\n"
        head += "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
        upload.sendall(
            head.encode() + b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.nrrd"\r\n\r\n' + bytes(5000)
        )
        time.sleep(0.5)
        began = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - began < 60
    assert sessions(server) == []


def test_two_tabs_and_a_reload_meet_the_same_server(start_server, fetch):
    server = start_server()
    first, second = (cookieOf(fetch("GET", server.url)[0]) for _ in range(2))
    assert first == second


def test_a_port_in_use_is_said_in_one_sentence(start_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = start_server("--port", taken.getsockname()[1])
        assert server.process.wait(120) == 2
    server.until(lambda: "--port 0" in server.output)
    assert "Traceback" not in server.output
    assert sessions(server) == []


def test_a_volume_that_cannot_be_opened_keeps_nobody_from_the_page(start_server, fetch):
    failing = STAND_IN.replace(
        "async def open(self):", "async def open(self):\n        raise DualSSLError('This volume is torn.')"
    )
    server = start_server(script=failing)
    assert fetch("GET", server.url)[0].status == 303
    server.until(lambda: "This volume is torn." in server.output)


def test_variables_of_trame_do_not_open_other_doors(start_server):
    server = start_server(TRAME_ARGS="--host 0.0.0.0 --port 1 --authKey known", TRAME_DEFAULT_HOST="0.0.0.0")
    port = server.port
    assert listening(server) == [("127.0.0.1", port)]


def test_temporary_files_are_made_in_the_sessions_own_folder(start_server, notes_of):
    script = STAND_IN.replace("self.note(opened=", "import tempfile; self.note(place=tempfile.gettempdir(), opened=")
    server = start_server(script=script)
    server.until(lambda: any("place" in note for note in notes_of(server)))
    place = Path(next(note["place"] for note in notes_of(server) if "place" in note))
    assert place == server.home / "sessions" / sessions(server)[0]


def test_a_server_without_a_browser_ends_after_its_time(start_server):
    script = STAND_IN.replace("cli.main()", "serving._SECONDS_A_MINUTE = 1\ncli.main()")
    server = start_server("--idle-minutes", "2", script=script)
    assert server.url
    assert server.process.wait(120) == 0
    assert sessions(server) == []


@unix
def test_a_server_ends_with_its_parent(start_server, tmp_path):
    token = tmp_path / "token"
    token.write_text("given by a launcher", encoding="utf-8")
    script = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {STAND_IN!r}, *sys.argv[1:]])
time.sleep(600)
"""
    parent = start_server("--ends-with-parent", "--token-file", token, script=script)
    assert parent.url.endswith(f":{parent.port}/")
    server = psutil.Process(parent.process.pid).children()[0]
    assert not token.exists()
    parent.process.kill()
    parent.until(lambda: gone(server))
    assert sessions(parent) == []


@unix
def test_the_browser_is_opened_without_the_token_among_its_arguments(start_server, tmp_path):
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    script = """
    import json, pathlib, sys, urllib.parse
    page = pathlib.Path(urllib.parse.unquote(sys.argv[1].removeprefix("file://")))
    part, seen = pathlib.Path(sys.argv[0] + ".part"), pathlib.Path(sys.argv[0]).with_name("seen")
    facts = {"arguments": sys.argv[1:], "page": page.read_text(encoding="utf-8"), "mode": page.stat().st_mode & 0o077}
    part.write_text(json.dumps(facts), encoding="utf-8")
    part.rename(seen)
    """
    browser.write_text(f"#!{sys.executable}\n{textwrap.dedent(script)}", encoding="utf-8")
    browser.chmod(0o755)
    (tmp_path / "person").mkdir()
    server = start_server(browser="--browser", BROWSER=str(browser), HOME=str(tmp_path / "person"))
    token = server.url.partition("token=")[2]
    server.until(seen.exists)
    facts = json.loads(seen.read_text(encoding="utf-8"))
    assert token not in str(facts["arguments"])
    assert server.url in facts["page"]
    assert facts["mode"] == 0
    assert server.end() == 0
    assert list((tmp_path / "person").glob("*.html")) == []


def test_a_browser_is_opened_only_where_one_could_be_seen():
    assert has_screen({"DISPLAY": ":0"}, "linux")
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_screen({}, "darwin")
    assert not has_screen({"DISPLAY": ""}, "linux")


def test_many_requests_at_once_are_answered(a_server, fetch, ticket_of):
    cookie = ticket_of(a_server)
    results = []

    def ask():
        for _ in range(5):
            results.append(fetch("GET", f"{a_server.site}/index.html", headers={"Cookie": cookie})[0].status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [200] * 20
