"""The local AWS: an emulator in a child process, reachable from this computer only."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from local.children import Child, ChildFailedError, clean_environment
from local.clients import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, AwsClients
from local.serving import take_port


class LocalAws:
    """One running emulator; everything it holds is gone when it stops."""

    def __init__(self, state_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        """Starts it.

        Args:
            state_dir: Where its log and its temporary files go.
            environment: Settings of the emulator on top of ours, such as ``{"AUTH": "true"}``.
        """
        # Taken here and handed over, so that nobody else can get the port in between.
        listening = take_port(0)
        port = listening.getsockname()[1]
        self.endpoint_url = f"http://127.0.0.1:{port}"
        scratch = state_dir / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        settings = {
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(scratch),
            # Listeners on fixed ports, and a Docker that may be there for other purposes: none of our business.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            # What a burst has started is ended soon after it, but for one process of each function.
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "DOCKER_HOST": f"unix://{scratch / 'no-docker'}",
            # What the Lambda functions inherit.
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        with listening:
            self._child = Child(
                "the local AWS",
                ["local.aws_runner", str(listening.fileno())],
                log=state_dir / "aws.log",
                environment={**clean_environment(), **settings, **(environment or {})},
                passed=listening.fileno(),
            )
        self.clients = AwsClients(self.endpoint_url)

    def wait_until_ready(self, timeout: float = 30) -> None:
        """Waits until it answers.

        Raises:
            ChildFailedError: It ended, or took longer than ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        with httpx.Client(base_url=self.endpoint_url, trust_env=False, timeout=2) as client:
            while time.monotonic() < deadline:
                self._child.check()
                # Its port is open from the start; until it serves, requests wait.
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/_ministack/ready").is_success:
                        return
                time.sleep(0.03)
        raise ChildFailedError(f"the local AWS did not answer within {timeout:g} s")

    def reset(self) -> None:
        """Forgets every resource, as if it had just started."""
        with httpx.Client(base_url=self.endpoint_url, trust_env=False, timeout=30) as client:
            client.post("/_ministack/reset").raise_for_status()

    def check(self) -> None:
        """Makes sure that it is running; raises ``ChildFailedError`` if it is not."""
        self._child.check()

    def stop(self) -> None:
        """Ends it, and the Lambda functions that run in it."""
        self._child.stop()
