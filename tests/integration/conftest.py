"""One stack for the whole ring, under the template's own IAM policies; tests keep apart by callers, folders and ids."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from local.receiver import Receiver
from local.stack import Options, Stack
from tests.integration.client import Caller, Client
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.integration.rest import come_to_rest

PARAMETERS = {"PollAfterSeconds": "2", "DropWaitSeconds": "2"}
# The policies of the template are enforced; waits between retries pass at a fifth of their length.
AWS_ENVIRONMENT = {"AUTH": "true", "SFN_WAIT_SCALE": "0.2"}
PROVIDER_ARGUMENTS = ["--task-seconds", "0.4", "--pixels", "40000"]

# More than the ring has tests with a caller: one worker may run nearly all of them.
CALLERS = [Caller(f"tester-{number}") for number in range(360)]
SIGNED_CALLER = Caller("signed", webhook_secret="whsec_c2lnbnMgd2hhdCBpcyBwb3N0ZWQgdG8gdGhlIHRlc3Rz")
LIMITED_CALLER = Caller("limited", tasks_per_minute=3)
# The one source that may ask on the bus is the caller its tasks belong to.
REQUESTING_CALLER = Caller("kiln.requests")


def prepare(stack: Stack) -> None:
    """Lets the tests' callers in."""
    here = stack.description
    own = Caller("local", access_key=here["access_key"], secret_key=here["secret_key"], api_key=here["api_key"])
    callers = [caller.entry() for caller in (own, *CALLERS, SIGNED_CALLER, LIMITED_CALLER, REQUESTING_CALLER)]
    stack.clients.secretsmanager.put_secret_value(
        SecretId=here["callers_secret_arn"], SecretString=json.dumps({"callers": callers})
    )


@contextlib.contextmanager
def running(state_dir: Path, parameters: dict[str, str], *, provider_accounts: int = 1) -> Iterator[Stack]:
    """A stack with the tests' callers in it."""
    options = Options(
        state_dir,
        parameters={**PARAMETERS, **parameters},
        aws_environment=AWS_ENVIRONMENT,
        provider_arguments=PROVIDER_ARGUMENTS,
        provider_accounts=provider_accounts,
    )
    with Stack(options) as stack:
        prepare(stack)
        yield stack


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The ring's stack, with every function started once, so that no test measures a cold start."""
    with running(tmp_path_factory.mktemp("stack"), {}) as stack, contextlib.closing(Deployment(stack)) as kiln:
        with contextlib.closing(Client(kiln.here["api_url"], CALLERS[-1])) as client:
            assert_succeeded(kiln, client, client.create())
        yield kiln


@pytest.fixture(scope="module")
def settled(deployed: Deployment) -> Deployment:
    """The ring's stack without tasks, messages and faults of the files that the same worker has run before."""
    come_to_rest(deployed)
    deployed.settle()
    return deployed


@pytest.fixture
def kiln(settled: Deployment) -> Iterator[Deployment]:
    """The ring's stack without faults and tasks of earlier tests; faults and long tasks of this one end with it."""
    come_to_rest(settled)
    with settled.without_faults():
        yield settled


@pytest.fixture(scope="session")
def redeployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Deployment]]:
    """Deploys with other parameters, on a second stack that is started when first asked for."""
    with contextlib.ExitStack() as open_things:
        stacks: list[Stack] = []

        def deploy(**parameters: str) -> Deployment:
            if not stacks:
                # The first test's parameters must not stay for the next test: they are deployed on top, too.
                stacks.append(open_things.enter_context(running(tmp_path_factory.mktemp("other"), {})))
            stacks[0].redeploy(parameters)
            prepare(stacks[0])
            return open_things.enter_context(contextlib.closing(Deployment(stacks[0])))

        yield deploy


@pytest.fixture(scope="session")
def _strangers() -> Iterator[Caller]:
    return iter(CALLERS)


@pytest.fixture
def new_client(_strangers: Iterator[Caller]) -> Iterator[Callable[[Deployment], Client]]:
    """Makes clients, each of a caller that no other test has."""
    with contextlib.ExitStack() as open_things:

        def make(kiln: Deployment) -> Client:
            return open_things.enter_context(contextlib.closing(Client(kiln.here["api_url"], next(_strangers))))

        yield make


@pytest.fixture
def client(kiln: Deployment, new_client: Callable[[Deployment], Client]) -> Client:
    """A caller of this test's own."""
    return new_client(kiln)


@pytest.fixture
def signed_client(kiln: Deployment) -> Iterator[Client]:
    """A caller that has a webhook secret."""
    with contextlib.closing(Client(kiln.here["api_url"], SIGNED_CALLER)) as made:
        yield made


@pytest.fixture
def limited_client(kiln: Deployment) -> Iterator[Client]:
    """A caller whose entry allows it few tasks a minute."""
    with contextlib.closing(Client(kiln.here["api_url"], LIMITED_CALLER)) as made:
        yield made


@pytest.fixture
def requesting_client(kiln: Deployment) -> Iterator[Client]:
    """The caller that tasks asked for on the bus belong to."""
    with contextlib.closing(Client(kiln.here["api_url"], REQUESTING_CALLER)) as made:
        yield made


@pytest.fixture
def inbox_client(kiln: Deployment) -> Iterator[Client]:
    """The caller that dropped tasks belong to."""
    here = kiln.here
    own = Caller("local", access_key=here["access_key"], secret_key=here["secret_key"], api_key=here["api_key"])
    with contextlib.closing(Client(here["api_url"], own)) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Something that listens at a caller's ``callback_url``."""
    with Receiver() as listening:
        yield listening


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows beside a failure what the functions have logged of errors during the test."""
    report = yield
    kiln = getattr(item, "funcargs", {}).get("kiln")
    if report.when == "call" and report.failed and isinstance(kiln, Deployment):
        report.sections.append(("errors that the functions logged", "\n".join(kiln.logged_errors(report.start))))
        report.sections.append(("workflows that have not succeeded", "\n".join(kiln.unfinished())))
    return report


_folders = itertools.count(1)


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> str:
    """The name of a folder that no other test has."""
    return f"drop-{next(_folders)}"
