"""What the command line takes, and what it says."""

import pytest

from dualssl_web.cli import CommandLineError, check_reach, read_password


@pytest.fixture
def refused(start_server):
    """The sentence with which a server with some options refuses to start."""

    def run(*arguments, script=None):
        server = start_server(*arguments, script=script)
        assert server.process.wait(120) == 2
        server.until(lambda: "Error:" in server.output)
        assert "Traceback" not in server.output
        return server.output

    return run


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "scans.example.org"])
def test_other_computers_are_let_in_with_a_password_alone(host):
    with pytest.raises(CommandLineError, match=r"--password-file FILE.*SSH tunnel"):
        check_reach(host, None, None)
    check_reach(host, "a long password", None)
    check_reach(host, None, "a token of the launcher")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_computer_needs_none(host):
    check_reach(host, None, None)


def test_a_server_for_others_without_a_password_does_not_start(refused):
    assert "lets other computers in: add --password-file FILE" in refused("--host", "0.0.0.0")


def test_a_system_without_slicer_core_is_told_which_have_it(refused):
    script = "import sys; sys.modules['slicer'] = None; from dualssl_web.cli import main; main()"
    assert "use Python 3.10 to 3.13" in refused(script=script)


@pytest.mark.parametrize("option", ["--volume", "--model"])
def test_what_an_option_names_must_be_there(refused, option, tmp_path):
    said = refused(option, tmp_path / "missing")
    assert f"{option} {tmp_path / 'missing'} does not exist: check the name and the folder." in said


def test_a_password_is_the_text_of_its_file(tmp_path):
    (tmp_path / "password").write_bytes("  spaces count é \r\n".encode())
    assert read_password(tmp_path / "password") == "  spaces count é "


@pytest.mark.parametrize(
    ("content", "said"), [(b"short", "shorter than 8"), (b"", "shorter than 8"), (b"\xff\xfe\x00longer than that", "not UTF-8")]
)
def test_a_password_that_is_none_is_refused_without_being_shown(tmp_path, content, said):
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(CommandLineError, match=said) as error:
        read_password(tmp_path / "password")
    assert "longer than that" not in str(error.value)


def test_a_password_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandLineError, match="missing cannot be read"):
        read_password(tmp_path / "missing")


def test_settings_show_no_secrets(tmp_path):
    from dualssl_web.settings import Settings

    shown = repr(Settings(None, None, None, tmp_path, password="the password", token="the token"))
    assert "the password" not in shown
    assert "the token" not in shown
