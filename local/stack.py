"""The whole stack on one computer: local AWS, simulated provider, the deployed template, and a reverse proxy."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx

from local import function_logs
from local.api_gateway import apply_gateway
from local.aws import LocalAws
from local.children import ROOT
from local.clients import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, AwsClients
from local.deploy import deploy
from local.event_queues import subscribe
from local.provider_accounts import DEFAULT, ProviderAccounts
from local.providers import RealProvider, SimulatedProvider, StackProvider
from local.reverse_proxy import ReverseProxy
from local.serving import ServerThread, take_port
from local.stack_files import SHELL_FILE, for_shells, remove_later, write_whole

TEMPLATE = ROOT / "template.yaml"
STACK_NAME = "kiln"
EVENTS_QUEUE = "kiln-local-events"
CALLER = "local"
TASKS_PATH = "/v1/images/multi-image2image"

Deployment = Callable[..., dict[str, str]]
"""Deploys a template and returns its outputs."""


class StackError(Exception):
    """The stack did not start; the message says why."""


class FolderTakenError(StackError):
    """Another stack is running in the same folder."""


@dataclass(frozen=True)
class Options:
    """How a stack is started.

    Attributes:
        state_dir: The folder for its description, logs and temporary files.
        port: The port of the API; 0 for any free one.
        parameters: Template parameters that differ from the local defaults.
        aws_environment: Settings of the local AWS, such as ``{"AUTH": "true"}`` to enforce the IAM policies.
        provider_arguments: Options of the simulated provider, such as ``["--task-seconds", "0.5"]``.
        provider_accounts: How many accounts the simulated provider has.
        real_provider: Kling itself, in place of the simulated provider.
        template: The template to deploy; an earlier release's, to test an update.
        deployment: How to deploy it: a function with the signature of ``local.deploy.deploy``.
        removes_later: Whether another process removes the functions' files at the end: thousands, after a burst.
    """

    state_dir: Path
    port: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    aws_environment: Mapping[str, str] = field(default_factory=dict)
    provider_arguments: Sequence[str] = ()
    provider_accounts: int = 1
    real_provider: RealProvider | None = None
    template: Path = TEMPLATE
    deployment: Deployment = deploy
    removes_later: bool = False


class Stack:
    """A stack that runs inside a ``with`` block.

    Attributes:
        description: The content of ``stack.json``: every address and key that a client needs.
        aws: The local AWS.
    """

    description: dict[str, str]
    aws: LocalAws

    def __init__(self, options: Options) -> None:
        self._options = options
        self._template = options.template
        self._running = contextlib.ExitStack()
        self._key = {"access_key": secrets.token_hex(16), "secret_key": secrets.token_hex(32)}
        self._accounts = ProviderAccounts(options.provider_accounts)
        self._webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            self._start(running)
            self._running = running.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @property
    def clients(self) -> AwsClients:
        """AWS clients for the stack's AWS."""
        return self.aws.clients

    @property
    def provider_keys(self) -> dict[str, str]:
        """The keys of the provider's first account."""
        return self._accounts.keys()

    def keys_of(self, account: str) -> dict[str, str]:
        """The keys of one of the provider's accounts."""
        return self._accounts.keys(account)

    def provider_token(self, account: str = DEFAULT) -> str:
        """A token for direct requests to the simulated provider."""
        return self._accounts.token(account)

    @property
    def description_file(self) -> Path:
        """The file of the description, for other processes."""
        return self._options.state_dir / "stack.json"

    def check(self) -> None:
        """Raises ``ChildFailedError`` unless every part is running."""
        self.aws.check()
        self._provider.check()

    def redeploy(self, parameters: Mapping[str, str] | None = None) -> None:
        """Empties the local AWS and the provider and deploys the template again; keys and addresses stay, names change.

        Args:
            parameters: Template parameters besides those that the stack was started with.
        """
        self.description_file.unlink(missing_ok=True)
        self.aws.reset()
        self._provider.reset()
        self._deploy({**self._options.parameters, **(parameters or {})})

    def update(self, template: Path, parameters: Mapping[str, str] | None = None) -> None:
        """Updates the running stack to another template; tasks, keys and addresses stay.

        Args:
            template: The template to update to.
            parameters: Template parameters besides those that the stack was started with.
        """
        self._template = template
        self._deploy({**self._options.parameters, **(parameters or {})}, partial(deploy, is_update=True))

    def _start(self, running: contextlib.ExitStack) -> None:
        running.enter_context(_claim(self._options.state_dir, removes_later=self._options.removes_later))
        listening = take_port(self._options.port)
        running.callback(listening.close)
        self._api_url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        self.aws = LocalAws(self._options.state_dir, self._options.aws_environment)
        running.callback(self.aws.stop)
        self._provider = self._start_provider()
        running.callback(self._provider.stop)
        self._provider.wait_until_ready()
        self.aws.wait_until_ready()

        self._proxy = ReverseProxy()
        running.callback(ServerThread(self._proxy.app, listening).stop)
        running.callback(self._start_stopping)
        running.callback(self.description_file.unlink, missing_ok=True)
        running.callback(self.description_file.with_name(SHELL_FILE).unlink, missing_ok=True)
        self._deploy(self._options.parameters)

    def _start_stopping(self) -> None:
        """Ends open requests and all parts; the processor is then free for what is left to do."""
        self._proxy.stop()
        self._provider.start_stopping()
        self.aws.start_stopping()

    def _start_provider(self) -> StackProvider:
        if self._options.real_provider:
            return self._options.real_provider
        log = self._options.state_dir / "provider.log"
        return SimulatedProvider(self._accounts, self._options.provider_arguments, log)

    def _deploy(self, parameters: Mapping[str, str], deployment: Deployment | None = None) -> None:
        caller = {
            "name": CALLER,
            **self._key,
            "api_keys": [self._key["secret_key"]],
            "webhook_secret": self._webhook_secret,
        }
        defaults = {
            **self._provider.parameters(),
            "PublicUrl": self._api_url,
            "ProviderSlots": "9",
            "DropSettleSeconds": "0",
            "DropWaitSeconds": "60",
            "DropQuietSeconds": "2",
            # Drops belong to the only caller, who then sees them in the API.
            "InboxCaller": CALLER,
            # The local AWS has no archives.
            "EventArchiveDays": "0",
            # Nor does it have alarms over several metrics, or saved log queries.
            "Monitoring": "basic",
            "CorsOrigin": "*",
            "AllowHttpCallbacks": "true",
            "AllowPrivateCallbacks": "true",
            # The local AWS speaks plain HTTP.
            "RequireTls": "false",
            "LogLevel": "INFO",
        }
        outputs = (deployment or self._options.deployment)(
            self.clients, self._template, STACK_NAME, defaults=defaults, overrides=parameters
        )
        responses = apply_gateway(
            self.clients, self._template, outputs["ApiId"], outputs["ApiStage"], {**defaults, **parameters}
        )
        self._fill(outputs["ProviderSecretArn"], self._provider.secret())
        self._fill(outputs["CallersSecretArn"], {"callers": [caller]})
        self.description = {
            "api_url": self._api_url,
            **self._key,
            "api_key": self._key["secret_key"],
            "webhook_secret": self._webhook_secret,
            "aws_endpoint_url": self.aws.endpoint_url,
            "region": REGION,
            "aws_access_key_id": ACCESS_KEY_ID,
            "aws_secret_access_key": SECRET_ACCESS_KEY,
            "inbox_bucket": outputs["InboxBucketName"],
            "outbox_bucket": outputs["OutboxBucketName"],
            "event_bus": outputs["EventBusName"],
            "events_queue_url": subscribe(self.clients, outputs["EventBusName"], EVENTS_QUEUE),
            "table": outputs["TableName"],
            "stack_name": STACK_NAME,
            "state_machine_arn": outputs["StateMachineArn"],
            "callers_secret_arn": outputs["CallersSecretArn"],
            "provider_accounts": ",".join(self._provider.names),
            "provider_url": self._provider.url,
            "provider_control_url": self._provider.control_url,
        }
        stage = f"{self.aws.endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{outputs['ApiStage']}"
        self._proxy.forward_to(stage, responses)
        self._check_api()
        write_whole(self.description_file.with_name(SHELL_FILE), for_shells(self.description))
        write_whole(self.description_file, json.dumps(self.description, indent=2))

    def _fill(self, secret_arn: str, value: object) -> None:
        self.clients.secretsmanager.put_secret_value(SecretId=secret_arn, SecretString=json.dumps(value))

    def _check_api(self) -> None:
        """Lists the tasks through the API, which proves that every part answers and that the keys are right."""
        headers = {"Authorization": f"Bearer {self.description['api_key']}"}
        answer = httpx.get(f"{self._api_url}{TASKS_PATH}", headers=headers, timeout=120, trust_env=False)
        if answer.status_code != httpx.codes.OK:
            logged = "\n".join(f"  {line}" for line in function_logs.errors(self.clients))
            raise StackError(f"the API answers {answer.status_code}: {answer.text[:500]}\n{logged}")


def _taken(state_dir: Path) -> str:
    """Says which stack runs in a folder; one that is still starting has no address yet."""
    try:
        address = json.loads((state_dir / "stack.json").read_text(encoding="utf-8"))["api_url"]
    except (OSError, ValueError, KeyError):
        return f"another stack is starting in {state_dir}; wait for it, stop it, or choose another folder"
    return f"another stack is running in {state_dir}: {address}. Use it, stop it, or choose another folder"


@contextlib.contextmanager
def _claim(state_dir: Path, *, removes_later: bool) -> Iterator[IO[bytes]]:
    """Locks the folder for one stack, and removes the files of a killed one."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTakenError(_taken(state_dir)) from None
        scratch = state_dir / "tmp"
        for left in (scratch, *state_dir.glob(f"{scratch.name}.*")):
            shutil.rmtree(left, ignore_errors=True)
        for name in ("stack.json", SHELL_FILE, "aws.log", "provider.log"):
            (state_dir / name).unlink(missing_ok=True)
        try:
            yield lock
        finally:
            if removes_later:
                remove_later(scratch)
            shutil.rmtree(scratch, ignore_errors=True)
