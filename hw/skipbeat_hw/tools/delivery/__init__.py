"""What goes with the Verilog into a vendor's flow: file lists, constraints, an IP packager's script, a testbench."""
