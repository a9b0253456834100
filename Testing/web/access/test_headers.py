"""What every answer tells the browser."""

import re

import pytest


def directives(response):
    policy = response.headers["Content-Security-Policy"]
    return {name: rest.split() for name, _, rest in (part.strip().partition(" ") for part in policy.split(";"))}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/index.html", 200), ("GET", "/nothing", 404), ("POST", "/upload", 415), ("GET", "/vue.global.js", 200)],
)
@pytest.mark.parametrize("inside", [True, False])
def test_every_answer_has_them_also_errors(a_server, fetch, ticket_of, method, path, status, inside):
    headers = {"Origin": a_server.site, **({"Cookie": ticket_of(a_server)} if inside else {})}
    response, _ = fetch(method, f"{a_server.site}{path}", headers=headers)
    assert response.status == (status if inside else 403)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert directives(response)["default-src"] == ["'none'"]
    assert directives(response)["frame-ancestors"] == ["'none'"]


def test_a_page_speaks_to_its_own_server_alone(a_server, fetch, ticket_of):
    response, _ = fetch("GET", f"{a_server.site}/index.html", headers={"Cookie": ticket_of(a_server)})
    host = a_server.site.removeprefix("http://")
    assert directives(response)["connect-src"] == ["'self'", f"ws://{host}", f"wss://{host}"]
    elsewhere = re.compile(r"https?:|\*|^data:$")
    loading = [source for name in ("script-src", "style-src", "font-src") for source in directives(response)[name]]
    assert [source for source in loading if elsewhere.search(source)] == ["data:"]
    assert "'unsafe-inline'" not in directives(response)["script-src"]


def test_pages_are_not_kept_and_the_programs_files_are_asked_for_each_time(a_server, fetch, ticket_of):
    headers = {"Cookie": ticket_of(a_server)}
    page, _ = fetch("GET", f"{a_server.site}/index.html", headers=headers)
    script, _ = fetch("GET", f"{a_server.site}/vue.global.js", headers=headers)
    assert page.headers["Cache-Control"] == "no-store"
    assert script.headers["Cache-Control"] == "private, no-cache"
    again, _ = fetch(
        "GET", f"{a_server.site}/vue.global.js", headers={**headers, "If-Modified-Since": script.headers["Last-Modified"]}
    )
    assert again.status == 304


def test_trames_page_works_under_them_and_asks_nobody_else(a_server, a_page):
    a_page.goto(a_server.url)
    a_page.wait_for_selector("#heading")
    assert a_page.url.startswith(a_server.site)
    assert "token" not in a_page.url
    assert a_page.faults == []
    own = (a_server.site, a_server.site.replace("http", "ws"), "data:", "blob:")
    assert [url for url in a_page.requested if not url.startswith(own)] == []
    a_page.reload()
    a_page.wait_for_selector("#heading")
    assert a_page.faults == []


def test_a_link_in_a_file_leads_to_the_page(a_server, a_page, tmp_path):
    link = tmp_path / "open.html"
    link.write_text(f'<meta http-equiv="refresh" content="0; url={a_server.url}">', encoding="utf-8")
    a_page.goto(link.as_uri())
    a_page.wait_for_selector("#heading")
    assert "token" not in a_page.url


def test_a_page_of_another_server_gets_nothing_of_this_one(a_server, start_server, a_page):
    """Another program on this computer, whose pages are of the same site for a browser: ports do not count."""
    a_page.goto(a_server.url)
    a_page.wait_for_selector("#heading")
    other = start_server()
    a_page.goto(other.url)
    a_page.wait_for_selector("#heading")
    # What the page's own policy would forbid comes from a blank page of that server here.
    a_page.route(f"{other.site}/blank", lambda route: route.fulfill(body="<p>blank</p>", content_type="text/html"))
    a_page.goto(f"{other.site}/blank")
    posting = f"fetch('{a_server.site}/upload', {{method: 'POST', body: 'x', credentials: 'include', mode: 'MODE'}})"
    for mode in ("cors", "no-cors"):
        assert a_page.evaluate(f"{posting}.then(() => 'answered', () => 'refused')".replace("MODE", mode)) == "refused"
    socket = f"new Promise(end => {{ const s = new WebSocket('{a_server.site.replace('http', 'ws')}/ws');"
    assert a_page.evaluate(f"{socket} s.onopen = () => end('open'); s.onerror = () => end('refused'); }})") == "refused"
    image = f"new Promise(end => {{ const i = new Image(); i.src = '{a_server.site}/logo.png';"
    assert a_page.evaluate(f"{image} i.onload = () => end('shown'); i.onerror = () => end('refused'); }})") == "refused"
