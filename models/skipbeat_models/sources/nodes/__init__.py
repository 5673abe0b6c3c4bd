"""Which operators become nodes of the machine, which runs of them are a program, and what is left to the host."""
