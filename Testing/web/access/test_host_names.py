"""By which names a server may be called."""

import socket

import pytest

from dualssl_web.access.host_names import HostNames, is_loopback, is_same_origin, name_of


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:80", "localhost"),
        ("[::1]:8080", "::1"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("127.0.0.1:x", None),
        ("user@127.0.0.1", None),
        ("127.0.0.1/evil", None),
        ("127.0.0.1;evil", None),
        ("127.0.0.1 ", None),
        ("::1", None),
        ("", None),
    ],
)
def test_a_name_is_taken_as_it_stands_or_not_at_all(host, name):
    assert name_of(host) == name


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_what_only_this_computer_reaches(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org", ""])
def test_what_others_reach(host):
    assert not is_loopback(host)


def test_a_server_for_this_computer_has_only_its_names():
    names = HostNames("127.0.0.1", ("Scans.example.org",))
    assert all(map(names.include, ("localhost:1", "127.0.0.1", "[::1]:2", "scans.example.org:443")))
    assert not any(map(names.include, ("127.0.0.2", "192.0.2.1", "example.org", "localhost.example.org", socket.gethostname())))


def test_a_server_for_all_has_its_addresses_and_its_own_name():
    names = HostNames("0.0.0.0")
    assert all(map(names.include, ("192.0.2.1:8080", "[2001:db8::1]", "localhost", socket.gethostname())))
    assert not names.include("rebound.example")


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8080", "localhost:8080", True),
        ("https://scans.example.org", "Scans.example.org", True),
        ("http://localhost:8081", "localhost:8080", False),
        ("http://127.0.0.1:8080", "localhost:8080", False),
        ("null", "null", False),
        ("file://localhost:8080", "localhost:8080", False),
    ],
)
def test_an_origin_is_the_server_itself_port_included(origin, host, same):
    assert is_same_origin(origin, host) is same
