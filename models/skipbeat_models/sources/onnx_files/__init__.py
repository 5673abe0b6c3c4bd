"""The operators and stored tensors of an `.onnx` file, under the names that PyTorch has for them."""
