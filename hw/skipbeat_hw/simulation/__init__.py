"""Running the generated Verilog: bulk runs on a compiled Verilator library, regressions under cocotb."""
