"""Numbers of sparse training, bit for bit: what the RTL, its twins and the integer oracle all compute."""
