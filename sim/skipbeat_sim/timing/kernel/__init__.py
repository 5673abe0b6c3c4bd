"""The timing model over two arrays, which a compiler of Python makes quick; see `follow.py`."""
