"""The mapper: a layer and a hardware description to a program for the core."""
