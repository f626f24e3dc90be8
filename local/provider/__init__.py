"""The simulated provider: Kling's multi-image-to-image contract with real pixels, callbacks and faults to switch on."""
