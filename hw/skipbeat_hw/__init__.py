"""The accelerator in Amaranth: one component per file, Verilog out, and the simulators that run it."""
