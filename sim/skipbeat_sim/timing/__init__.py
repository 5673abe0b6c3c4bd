"""The exact timing model of the machine around the core; see docs/machine_timing.md."""
