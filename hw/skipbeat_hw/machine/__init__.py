"""The accelerator around the core: memory ports, buffers, engines (docs/machine.md)."""
