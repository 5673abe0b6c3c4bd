"""The cycle model of the accelerator around the core: a twin for each module, and the memory behind it."""
