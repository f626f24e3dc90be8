"""One stack for public clients of the provider, which are installed as they are and get Kiln's base URL and keys."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients import installing
from tests.clients.https import HttpsFront, ThroughTheFront
from tests.clients.runners import Aworld, KlingApi
from tests.integration.client import Caller, Client, picture
from tests.integration.conftest import CALLERS, running
from tests.integration.driver import Deployment

# The simulated provider does not trust the https certificate: the fallback poller works without callbacks.
FAULTS = {"drop_callbacks": True}


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsFront]:
    """Kiln's https address."""
    with HttpsFront(tmp_path_factory.mktemp("front")) as opened:
        yield opened


@pytest.fixture(scope="session")
def deployed(front: HttpsFront, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A stack whose own links are https, as they are on AWS."""
    state_dir = tmp_path_factory.mktemp("stack")
    with running(state_dir, {"PublicUrl": front.url}) as stack, contextlib.closing(Deployment(stack)) as kiln:
        front.lead_to(kiln.here["api_url"])
        kiln.http.close()
        kiln.http = httpx.Client(transport=ThroughTheFront(front), timeout=60)
        yield kiln


@pytest.fixture
def kiln(deployed: Deployment) -> Iterator[Deployment]:
    """The stack with no fault in force but the one that all these tests live with."""
    deployed.set_faults(**FAULTS)
    yield deployed
    deployed.set_faults(**FAULTS)


@pytest.fixture
def caller() -> Caller:
    """The caller whose keys the client uses."""
    return CALLERS[0]


@pytest.fixture
def observer(kiln: Deployment, caller: Caller) -> Iterator[Client]:
    """The same caller without the client, to compare with."""
    with contextlib.closing(Client(kiln.here["api_url"], caller)) as made:
        yield made


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files that a client is asked to send."""
    folder = tmp_path_factory.mktemp("pictures")
    contents = {
        "cat.png": picture(400, 300, "grey"),
        "lantern.jpg": picture(320, 480, "gold", "JPEG"),
        "scene.jpg": picture(640, 360, "navy", "JPEG"),
        "style.png": picture(300, 300, "pink"),
        "too-small.png": picture(120, 120),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


@pytest.fixture(scope="session")
def aworld_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter that has ``aworld``."""
    return installing.python_client("aworld", tmp_path_factory.mktemp("aworld") / "venv")


@pytest.fixture
def aworld(aworld_python: Path, kiln: Deployment, tmp_path: Path) -> Aworld:
    """The client, pointed at Kiln."""
    return Aworld(aworld_python, tmp_path, kiln.here["api_url"])


@pytest.fixture(scope="session")
def kling_api_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``kling-api`` is installed."""
    return installing.node_client("kling-api", tmp_path_factory.mktemp("kling-api") / "installed")


@pytest.fixture
def kling_api(kling_api_folder: Path, kiln: Deployment, front: HttpsFront, caller: Caller) -> KlingApi:
    """The client, pointed at Kiln."""
    return KlingApi(kling_api_folder, front, caller)
