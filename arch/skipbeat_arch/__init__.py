"""The contract that every part shares: hardware, workloads, number formats, commands, weight format."""
