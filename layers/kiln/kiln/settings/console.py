"""The settings of the console's page."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field

from kiln.settings.reading import Settings


class ConsoleSettings(Settings):
    """Where the console's browser meets the buckets: S3's own hosts, unless AWS as a whole is somewhere else."""

    bucket_origins: str = Field(alias="BUCKET_ORIGINS", min_length=1)
    aws_endpoint_url: str = Field(default="", alias="AWS_ENDPOINT_URL")
    provider_url: str = Field(alias="PROVIDER_URL", min_length=1)

    @property
    def buckets(self) -> str:
        """The origins of the buckets, separated by spaces."""
        return self.aws_endpoint_url or self.bucket_origins

    @property
    def provider(self) -> str:
        """The provider's host; ``simulated`` if it is a process on the same computer, as only the simulator is."""
        host = urlsplit(self.provider_url).netloc
        return "simulated" if host.partition(":")[0] in ("127.0.0.1", "localhost") else host
