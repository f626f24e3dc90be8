"""The slots of a provider account: who holds them, and who gets them next."""
