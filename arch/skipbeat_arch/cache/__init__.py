"""What is computed once and kept: compiled RTL, results of tools, descriptions of models, prices.

Everything is keyed by the content that it depends on, lies in the user's own cache folder, is checked when it is read,
and is bounded in size. There are folders, which tools fill and read, and values, which are bytes in a file.
"""

from .kept_folders import kept_folder
from .kept_values import read_value, write_value
from .keys import content_key, content_text, source_fingerprint
from .place import VARIABLE, cache_root, kind_folder
from .trimming import Contents, clear, contents

__all__ = [
    "VARIABLE",
    "Contents",
    "cache_root",
    "clear",
    "content_key",
    "content_text",
    "contents",
    "kept_folder",
    "kind_folder",
    "read_value",
    "source_fingerprint",
    "write_value",
]
