"""The local AWS: an emulator in a child process, which only this computer can reach."""

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
    """A running emulator; its content is lost when it stops."""

    def __init__(self, state_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        """Starts it.

        Args:
            state_dir: The folder for its log and temporary files.
            environment: More settings of the emulator, such as ``{"AUTH": "true"}``.
        """
        # The child inherits the open port, so that no other process can take it in between.
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
            # No listeners on fixed ports, and no use of a Docker that may be installed.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            # Soon after a burst, only one process of each function is left.
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "DOCKER_HOST": f"unix://{scratch / 'no-docker'}",
            # The Lambda functions inherit these.
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

    def wait_until_ready(self, timeout: float = 120) -> None:
        """Waits until it answers.

        Raises:
            ChildFailedError: It has ended, or did not answer within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        with httpx.Client(base_url=self.endpoint_url, trust_env=False, timeout=2) as client:
            while time.monotonic() < deadline:
                self._child.check()
                # Its port is open from the start; requests wait until it serves them.
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/_ministack/ready").is_success:
                        return
                time.sleep(0.03)
        raise ChildFailedError(f"the local AWS did not answer within {timeout:g} s")

    def reset(self) -> None:
        """Removes every resource, as if it had just started."""
        with httpx.Client(base_url=self.endpoint_url, trust_env=False, timeout=120) as client:
            client.post("/_ministack/reset").raise_for_status()

    def check(self) -> None:
        """Raises ``ChildFailedError`` unless it is running."""
        self._child.check()

    def start_stopping(self) -> None:
        """Asks it to end, without waiting for it."""
        self._child.start_stopping()

    def stop(self) -> None:
        """Ends it and the Lambda functions that run in it."""
        self._child.stop()
