"""The PyTorch side: pruning, sparse training, int8 quantisation, the integer oracle and the model zoo."""
