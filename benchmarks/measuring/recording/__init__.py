"""Records what one task calls, writes, logs and computes on the local stack, as the input of ``modelling``."""
