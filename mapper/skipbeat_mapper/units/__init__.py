"""What a network's program is made of: loads, passes and stores, in order and with their places on the chip."""
