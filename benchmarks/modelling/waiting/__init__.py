"""How long tasks wait for slots: the queue and the fair rule, simulated in simulated time."""
