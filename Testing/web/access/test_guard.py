"""Who gets in: the right token, from the server's own page, by the server's own name."""

import asyncio

import aiohttp
import msgpack
import pytest

from webServer import PATIENCE, cookieOf, runApart

EVERYTHING = (
    "/",
    "/index.html",
    "/vue.global.js",
    "/assets/",
    "/upload",
    "/login",
    "/ws",
    "/nothing",
    "/..%2f..%2fetc%2fpasswd",
)


@pytest.fixture
def speak(ticket_of):
    """Opens a websocket with some headers, says hello to trame with a secret and returns its answer, or the refusal."""

    def to(server, secret="wslink-secret", cookie=None, **headers):
        given = {"Cookie": ticket_of(server) if cookie is None else cookie, "Origin": server.site, **headers}

        async def go():
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
                try:
                    async with session.ws_connect(f"{server.site}/ws", headers=given) as socket:
                        hello = {"wslink": "1.0", "id": "system:c0:0", "method": "wslink.hello", "args": [{"secret": secret}]}
                        message = msgpack.packb(hello)
                        # One chunk: its id, where in the message it begins, and how long the message is.
                        header = b"".join(number.to_bytes(4, "little") for number in (7, 0, len(message)))
                        await socket.send_bytes(header + message)
                        answer = await asyncio.wait_for(socket.receive(), PATIENCE)
                        return msgpack.unpackb(answer.data[12:])
                except aiohttp.WSServerHandshakeError as error:
                    return error.status

        return runApart(go())

    return to


@pytest.mark.parametrize("path", EVERYTHING)
def test_without_the_cookie_nothing_is_answered(a_server, fetch, path):
    response, text = fetch("GET", f"{a_server.site}{path}", headers={"Origin": a_server.site})
    assert response.status == 403
    assert text == "This page is private: open the address that the server printed when it was started.\n"


def test_the_printed_address_gives_a_cookie_that_opens_the_page(a_server, fetch, ticket_of):
    response, _ = fetch("GET", a_server.url)
    assert (response.status, response.headers["Location"]) == (303, "/")
    flags = {part.strip() for part in response.headers["Set-Cookie"].split(";")[1:]}
    assert flags == {"HttpOnly", "Path=/", "SameSite=Strict"}
    cookie = cookieOf(response)
    assert a_server.url.partition("token=")[2] not in cookie
    response, text = fetch("GET", f"{a_server.site}/index.html", headers={"Cookie": cookie})
    assert response.status == 200
    assert "<html" in text


@pytest.mark.parametrize("token", ["", "wrong", "é", "a" * 5000])
def test_a_wrong_token_is_refused_with_a_sentence(a_server, fetch, token):
    response, text = fetch("GET", f"{a_server.site}/", params={"token": token})
    assert response.status == 403
    assert text == "The token in this address is not this server's: open the address that it printed last.\n"
    assert "Set-Cookie" not in response.headers


def test_a_token_is_of_no_use_elsewhere_than_on_the_first_page(a_server, fetch):
    query = a_server.url.partition("?")[2]
    assert fetch("GET", f"{a_server.site}/index.html?{query}")[0].status == 403


def test_a_guessed_cookie_is_refused(a_server, fetch):
    headers = {"Cookie": f"dualssl_{a_server.port}=guess"}
    assert fetch("GET", f"{a_server.site}/index.html", headers=headers)[0].status == 403


def test_each_server_has_a_token_and_a_cookie_of_its_own(a_server, start_server, fetch, ticket_of):
    other = start_server()
    assert other.url.partition("token=")[2] != a_server.url.partition("token=")[2]
    mine, theirs = ticket_of(a_server), ticket_of(other)
    assert mine.partition("=")[0] != theirs.partition("=")[0]
    borrowed = f"dualssl_{other.port}={mine.partition('=')[2]}"
    assert fetch("GET", f"{other.site}/index.html", headers={"Cookie": borrowed})[0].status == 403


def test_a_link_on_another_site_leads_in_by_a_page_of_the_servers_own(a_server, fetch):
    response, _ = fetch("GET", a_server.url, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert (response.status, response.headers["Refresh"]) == (200, "0; url=/")
    assert cookieOf(response)


def test_what_an_address_says_to_trames_page_is_dropped(a_server, fetch, ticket_of):
    headers = {"Cookie": ticket_of(a_server)}
    response, _ = fetch("GET", f"{a_server.site}/index.html?sessionURL=ws://evil.example/ws", headers=headers)
    assert (response.status, response.headers["Location"]) == (303, "/index.html")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "", "a b", "[::1", "10.0.0.1"]
)
def test_a_foreign_name_is_refused_even_with_the_cookie(a_server, fetch, ticket_of, host):
    headers = {"Cookie": ticket_of(a_server), "Host": host.format(port=a_server.port)}
    response, text = fetch("GET", f"{a_server.site}/index.html", headers=headers)
    assert response.status in (400, 403)
    assert "<html" not in text


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "127.0.0.1", "LOCALHOST:1", "[::1]:8080"])
def test_a_tunnel_may_use_another_port(a_server, fetch, ticket_of, host):
    headers = {"Cookie": ticket_of(a_server), "Host": host}
    assert fetch("GET", f"{a_server.site}/index.html", headers=headers)[0].status == 200


def test_a_proxys_name_is_taken_where_it_was_given(start_server, fetch):
    server = start_server("--host-name", "scans.example.org")
    query = server.url.partition("?")[2]
    headers = {"Host": "scans.example.org", "X-Forwarded-Proto": "https"}
    response, _ = fetch("GET", f"{server.site}/?{query}", headers=headers)
    assert response.status == 303
    assert "Secure" in response.headers["Set-Cookie"]
    assert fetch("GET", f"{server.site}/?{query}", headers={"Host": "example.org"})[0].status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "ws://127.0.0.1", "http://["])
@pytest.mark.parametrize(("method", "path"), [("GET", "/index.html"), ("POST", "/upload"), ("GET", "/ws")])
def test_another_page_gets_nothing_even_with_the_cookie(a_server, fetch, ticket_of, origin, method, path):
    response, text = fetch(method, f"{a_server.site}{path}", headers={"Cookie": ticket_of(a_server), "Origin": origin})
    assert response.status == 403
    assert text.startswith("This was asked by another page")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_cannot_have_files_of_this_one_loaded(a_server, fetch, ticket_of, site):
    headers = {"Cookie": ticket_of(a_server), "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert fetch("GET", f"{a_server.site}/vue.global.js", headers=headers)[0].status == 403


@pytest.mark.parametrize("secret", ["wslink-secret", "anything"])
def test_the_cookie_opens_the_websocket_whatever_secret_the_page_says(a_server, speak, secret):
    assert speak(a_server, secret)["result"]["clientID"]


@pytest.mark.parametrize(
    "headers", [{"cookie": ""}, {"cookie": "dualssl=guess"}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}]
)
def test_a_websocket_needs_the_cookie_and_the_servers_own_page(a_server, speak, headers):
    assert speak(a_server, **headers) == 403


def test_a_websocket_without_an_origin_is_no_browsers(a_server, fetch, ticket_of):
    assert fetch("GET", f"{a_server.site}/ws", headers={"Cookie": ticket_of(a_server)})[0].status == 403


def test_the_token_is_printed_once_and_logged_nowhere(start_server, fetch, ticket_of):
    server = start_server()
    token = server.url.partition("token=")[2]
    fetch("GET", f"{server.site}/nothing", headers={"Cookie": ticket_of(server)})
    server.end()
    assert server.output.count(token) == 1
    assert len(token) >= 43
