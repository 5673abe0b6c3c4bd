"""What is done with the components: Verilog, synthesis, proofs, planted faults."""
