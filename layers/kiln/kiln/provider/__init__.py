"""The provider's API: its vocabulary stays in here."""

from kiln.provider.client import Provider, ProviderImage, ProviderTask
from kiln.provider.verdicts import ProviderError, Verdict

__all__ = ["Provider", "ProviderError", "ProviderImage", "ProviderTask", "Verdict"]
