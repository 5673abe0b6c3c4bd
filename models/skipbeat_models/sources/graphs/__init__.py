"""A model's operators as plain data: what each is, and which tensors follow from the weights alone."""
