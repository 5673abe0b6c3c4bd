"""The architectures of the zoo, one to a file; `skipbeat_models.zoo` lists them."""
