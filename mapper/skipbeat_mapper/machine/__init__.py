"""The compiler for the whole accelerator: a graph becomes a program image.

`compile.compile_network` is the entry. Geometry says which output pixels share a load (`regions`, `banks`); the plan
gives every load, pass and store its place on the chip (`plan`); the emitter orders them and puts tokens between them
(`emitter`).
"""
