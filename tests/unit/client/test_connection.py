"""Which Kiln the command line talks to."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from kiln_cli.connection import Connection, config_file, find_connection, read_profiles, write_profile
from kiln_client import NotConfigured


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A folder with a local stack, and one deep inside it."""
    (tmp_path / "project" / ".kiln").mkdir(parents=True)
    here = {"api_url": "http://127.0.0.1:8080", "api_key": "local-key"}
    (tmp_path / "project" / ".kiln" / "stack.json").write_text(json.dumps(here))
    inside = tmp_path / "project" / "samples" / "cat"
    inside.mkdir(parents=True)
    return inside


def pair(connection: Connection) -> tuple[str, str]:
    return connection.url, connection.key


def test_a_local_stack_needs_no_configuration(home: dict[str, str], stack: Path) -> None:
    found = find_connection(environment=home, folder=stack)
    assert (pair(found), found.is_local) == (("http://127.0.0.1:8080", "local-key"), True)


def test_what_is_named_outright_comes_first(home: dict[str, str], stack: Path) -> None:
    write_profile(config_file(home), "default", "https://default", "default-key")
    write_profile(config_file(home), "prod", "https://prod", "prod-key")
    environment = home | {"KILN_URL": "https://env", "KILN_KEY": "env-key"}
    assert pair(find_connection("https://given", "given-key", environment=environment)) == (
        "https://given",
        "given-key",
    )
    assert pair(find_connection(profile="prod", environment=environment)) == ("https://prod", "prod-key")
    assert pair(find_connection(environment=environment, folder=stack)) == ("https://env", "env-key")
    assert pair(find_connection(environment=home | {"KILN_PROFILE": "prod"}))[0] == "https://prod"
    assert pair(find_connection(environment=home, folder=stack)) == ("https://default", "default-key")
    assert pair(find_connection(profile="local", environment=home, folder=stack))[1] == "local-key"


def test_a_key_is_not_sent_to_another_place(home: dict[str, str], stack: Path) -> None:
    with pytest.raises(NotConfigured, match="there is no key for https://other"):
        find_connection("https://other", environment=home, folder=stack)
    environment = home | {"KILN_URL": "https://env", "KILN_KEY": "env-key"}
    with pytest.raises(NotConfigured, match="there is no key for https://other"):
        find_connection("https://other", environment=environment, folder=stack)
    assert pair(find_connection("https://env/", environment=environment, folder=stack)) == ("https://env/", "env-key")
    assert pair(find_connection("http://127.0.0.1:8080", environment=environment, folder=stack))[1] == "local-key"
    assert pair(find_connection("https://other", environment=home | {"KILN_KEY": "env-key"}))[1] == "env-key"
    assert pair(find_connection("http://127.0.0.1:8080/", environment=home, folder=stack))[1] == "local-key"
    assert pair(find_connection(key="another", environment=home, folder=stack)) == ("http://127.0.0.1:8080", "another")


def test_nothing_says_it(home: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="kiln login"):
        find_connection(environment=home, folder=tmp_path)
    with pytest.raises(NotConfigured, match="there is no key for https://other"):
        find_connection("https://other", environment=home, folder=tmp_path)
    with pytest.raises(NotConfigured, match="there is no profile prod"):
        find_connection(profile="prod", environment=home, folder=tmp_path)


def test_a_profile_is_for_its_owner_and_beside_others(home: dict[str, str]) -> None:
    file = config_file(home)
    odd = 'a "key"\\ with\nodd \x7f characters 键'
    write_profile(file, "default", "https://one", "k1")
    write_profile(file, "my shop.eu", "https://two", odd)
    write_profile(file, "default", "https://three", "k3")
    assert file.stat().st_mode & 0o077 == 0
    assert read_profiles(file) == {
        "default": {"url": "https://three", "key": "k3"},
        "my shop.eu": {"url": "https://two", "key": odd},
    }


def test_the_file_is_where_such_files_are(home: dict[str, str], tmp_path: Path) -> None:
    assert config_file(home) == tmp_path / "home" / ".config" / "kiln" / "config.toml"
    assert config_file(home | {"XDG_CONFIG_HOME": "/elsewhere"}) == Path("/elsewhere/kiln/config.toml")


def test_a_broken_file_is_told(home: dict[str, str], stack: Path) -> None:
    file = config_file(home)
    file.parent.mkdir(parents=True)
    file.write_text("[profiles")
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(file.read_text())
    with pytest.raises(NotConfigured, match=r"config\.toml: cannot be read"):
        find_connection(environment=home, folder=stack)
    file.write_text('[profiles.default]\nurl = "https://one"\n')
    with pytest.raises(NotConfigured, match="must have url and key"):
        find_connection(environment=home, folder=stack)
