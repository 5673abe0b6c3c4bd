"""Components of sparse training; the accelerator does not use them yet."""
