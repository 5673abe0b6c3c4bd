"""Work that changes what all threads of a process share, one thread at a time."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_LOCK = threading.RLock()


@contextmanager
def alone() -> Iterator[None]:
    """Inside, no other thread is in such a block, so that what is changed and restored there is nobody else's.

    Python's warning filters, standard streams and loggers, torch's random state and torch.export itself are of the
    process: blocks of two threads that overlap would restore each other's changes.
    """
    with _LOCK:
        yield


@contextmanager
def without_warnings() -> Iterator[None]:
    """Inside, libraries warn nobody of their own deprecations."""
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def silent_transformers() -> Iterator[None]:
    """Inside, transformers neither warns nor logs what it thinks of a configuration."""
    log = logging.getLogger("transformers")
    with without_warnings():
        level = log.level
        log.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            log.setLevel(level)


@contextmanager
def output_on_standard_error() -> Iterator[None]:
    """Inside, what the user's own code prints goes to standard error: standard output belongs to a report."""
    with alone(), redirect_stdout(sys.stderr):
        yield
