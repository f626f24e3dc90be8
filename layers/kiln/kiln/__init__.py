"""Kiln's domain: the contract, the provider, tasks, slots, images, events and the steps of a task's workflow."""
