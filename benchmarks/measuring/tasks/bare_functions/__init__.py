"""The functions without Kiln: deployed into a stack as the reference for its throughput."""
