"""Which Kiln a command talks to, and with which key: options, environment, profiles, or the local stack around here."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kiln_client import NotConfigured

DEFAULT_PROFILE = "default"
LOCAL_PROFILE = "local"
"""Always the local stack, whatever the default profile says."""

LOCAL_STACK = Path(".kiln", "stack.json")


@dataclass(frozen=True)
class Connection:
    """An API and a key for it.

    Attributes:
        url: Of the API.
        key: Of the caller.
        origin: Where the two come from, for messages.
        is_local: Whether it is the local stack, whose key is no secret worth keeping.
    """

    url: str
    key: str = field(repr=False)
    origin: str
    is_local: bool = False


def find_connection(
    url: str | None = None,
    key: str | None = None,
    profile: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Connection:
    """Finds out which Kiln to talk to.

    What is named outright comes first: ``--url`` and ``--key``, then ``--profile``; then ``KILN_URL`` and ``KILN_KEY``,
    ``KILN_PROFILE``, the profile ``default``, and the local stack of this folder or of one above it.

    Raises:
        NotConfigured: Nothing says it, or only half of it.
    """
    environment = os.environ if environment is None else environment
    if url and key:
        return Connection(url, key, "--url and --key")
    if profile is None:
        known = environment.get("KILN_URL")
        # A key for another place must not be sent to this one.
        if not (url and known) or _is_same(url, known):
            key = key or environment.get("KILN_KEY")
        url = url or known
        if url and key:
            return Connection(url, key, "KILN_URL and KILN_KEY")
    found = _by_name(profile or environment.get("KILN_PROFILE"), environment, folder or Path.cwd())
    if url and (found is None or not _is_same(url, found.url)):
        raise NotConfigured(f"there is no key for {url}: give --key, or kiln login --url {url}")
    if found is None:
        raise NotConfigured(
            "no Kiln is known here: call from the folder of a local stack (make run), or kiln login to a deployed one"
        )
    return Connection(found.url, key or found.key, found.origin, found.is_local)


def config_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where profiles are kept."""
    environment = os.environ if environment is None else environment
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or Path.home(), ".config")
    return Path(home, "kiln", "config.toml")


def read_profiles(file: Path) -> dict[str, dict[str, str]]:
    """The profiles of a file, by name; none if there is no such file.

    Raises:
        NotConfigured: The file is not what ``kiln login`` writes.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{file}: cannot be read: {error}") from None
    profiles = content.get("profiles", {})
    return {name: {field: str(value) for field, value in each.items()} for name, each in profiles.items()}


def write_profile(file: Path, name: str, url: str, key: str) -> None:
    """Keeps a profile beside the others; it holds a key, so nobody else may read it."""
    profiles = read_profiles(file)
    profiles[name] = profiles.get(name, {}) | {"url": url, "key": key}
    tables = []
    for each, values in profiles.items():
        lines = [f"{_quoted(field)} = {_quoted(value)}" for field, value in values.items()]
        tables.append("\n".join([f"[profiles.{_quoted(each)}]", *lines]))
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_suffix(f".{os.getpid()}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
        target.write("# Written by kiln login.\n" + "\n\n".join(tables) + "\n")
    partial.replace(file)


def _is_same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")


def _by_name(profile: str | None, environment: Mapping[str, str], folder: Path) -> Connection | None:
    file = config_file(environment)
    profiles = read_profiles(file)
    name = profile or DEFAULT_PROFILE
    if name in profiles and name != LOCAL_PROFILE:
        kept = profiles[name]
        if not kept.get("url") or not kept.get("key"):
            raise NotConfigured(f"profile {name} of {file}: must have url and key")
        return Connection(kept["url"], kept["key"], f"profile {name} of {file}")
    if profile not in {None, LOCAL_PROFILE}:
        known = ", ".join(profiles) or "none"
        raise NotConfigured(
            f"there is no profile {profile} in {file}; there is: {known}. kiln login --profile makes one"
        )
    return _local_stack(folder)


def _local_stack(folder: Path) -> Connection | None:
    for each in (folder, *folder.parents):
        file = each / LOCAL_STACK
        try:
            here = json.loads(file.read_text(encoding="utf-8"))
            return Connection(here["api_url"], here["api_key"], str(file), is_local=True)
        except OSError:
            continue
        except (ValueError, KeyError):
            raise NotConfigured(f"{file}: is not what a local stack writes") from None
    return None


def _quoted(text: str) -> str:
    # JSON's strings are TOML's, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
