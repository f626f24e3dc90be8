"""Which Kiln and which key a command uses."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from kiln_cli.connection import Connection, config_file, find_connection, read_profiles, write_profile
from kiln_client import InvalidSetting, NotConfigured


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A home without profiles, and an environment that names no Kiln."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return {}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A folder deep inside the folder of a local stack."""
    (tmp_path / "project" / ".kiln").mkdir(parents=True)
    here = {"api_url": "http://127.0.0.1:8080", "api_key": "local-key"}
    (tmp_path / "project" / ".kiln" / "stack.json").write_text(json.dumps(here))
    inside = tmp_path / "project" / "samples" / "cat"
    inside.mkdir(parents=True)
    return inside


def pair(connection: Connection) -> tuple[str, str]:
    return connection.url, connection.key


def test_local_stack_is_found_without_configuration(home: dict[str, str], stack: Path) -> None:
    found = find_connection(environment=home, folder=stack)
    assert (pair(found), found.is_local) == (("http://127.0.0.1:8080", "local-key"), True)


def test_options_come_before_environment_profiles_and_local_stack(home: dict[str, str], stack: Path) -> None:
    write_profile(config_file(), "default", "https://default", "default-key")
    write_profile(config_file(), "prod", "https://prod", "prod-key")
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


def test_key_is_used_only_for_its_own_address(home: dict[str, str], stack: Path) -> None:
    with pytest.raises(InvalidSetting, match="no key for https://other"):
        find_connection("https://other", environment=home, folder=stack)
    environment = home | {"KILN_URL": "https://env", "KILN_KEY": "env-key"}
    with pytest.raises(InvalidSetting, match="no key for https://other"):
        find_connection("https://other", environment=environment, folder=stack)
    assert pair(find_connection("https://env/", environment=environment, folder=stack)) == ("https://env/", "env-key")
    assert pair(find_connection("http://127.0.0.1:8080", environment=environment, folder=stack))[1] == "local-key"
    assert pair(find_connection("https://other", environment=home | {"KILN_KEY": "env-key"}))[1] == "env-key"
    assert pair(find_connection("http://127.0.0.1:8080/", environment=home, folder=stack))[1] == "local-key"
    assert pair(find_connection(key="another", environment=home, folder=stack)) == ("http://127.0.0.1:8080", "another")


def test_missing_connection_says_how_to_configure_one(home: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotConfigured) as refused:
        find_connection(environment=home, folder=tmp_path)
    assert str(refused.value) == (
        f"no running local stack in this folder or above it ({tmp_path}); "
        "start one with make up, go to its folder, or run kiln login"
    )
    with pytest.raises(InvalidSetting, match="no key for https://other"):
        find_connection("https://other", environment=home, folder=tmp_path)
    with pytest.raises(InvalidSetting, match="no profile prod"):
        find_connection(profile="prod", environment=home, folder=tmp_path)


def test_profile_file_is_private_and_keeps_other_profiles(home: dict[str, str]) -> None:
    file = config_file()
    odd = 'a "key"\\ with\nodd \x7f characters 键'
    write_profile(file, "default", "https://one", "k1")
    write_profile(file, "my shop.eu", "https://two", odd)
    write_profile(file, "default", "https://three", "k3")
    assert file.stat().st_mode & 0o077 == 0
    assert read_profiles(file) == {
        "default": {"url": "https://three", "key": "k3"},
        "my shop.eu": {"url": "https://two", "key": odd},
    }


def test_profile_file_is_in_the_users_config_folder(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "linux":
        assert config_file() == tmp_path / "home" / ".config" / "kiln" / "config.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    assert config_file() == Path("/elsewhere/kiln/config.toml")


def test_broken_profile_file_is_refused(home: dict[str, str], stack: Path) -> None:
    file = config_file()
    file.parent.mkdir(parents=True)
    file.write_text("[profiles")
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(file.read_text())
    with pytest.raises(NotConfigured, match=r"config\.toml: can't be read"):
        find_connection(environment=home, folder=stack)
    file.write_text('[profiles.default]\nurl = "https://one"\n')
    with pytest.raises(NotConfigured, match="must have url and key"):
        find_connection(environment=home, folder=stack)
