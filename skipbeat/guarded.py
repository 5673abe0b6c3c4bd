"""The command line as a process: what ends it is told in one line, whatever it is, and has a status of its own."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TextIO

from skipbeat_arch.budget import machine_memory
from skipbeat_arch.errors import ToolError, described, one_line
from skipbeat_arch.files import FULL
from skipbeat_arch.partial import partial

from .cli import EXIT_INTERRUPTED, complain, main
from .interruption import LINE, SIGNALS, answered, deaf, end_at_once, ended_in_time

EXIT_TOOL = 69  # as sysexits.h numbers them
EXIT_DEFECT = 70
EXIT_NO_MEMORY = 71
EXIT_NO_OUTPUT = 74
EXIT_CLOSED_PIPE = 128 + signal.SIGPIPE

#: What stands for the characters of our tables on a terminal that has not got them; each is one character as well.
_SIMILAR = str.maketrans("×µ–−…→─\u00a0", "xu--~>- ")
_WARNING_CHARACTERS = 300
_NO_ROOM = (*FULL, errno.EROFS)


def run() -> int:
    """Run the command that `sys.argv` has, and return its exit status.

    Those of `main`, and: 69 a compiler or simulator that failed, whose output is in a file that is named; 70 a defect,
    whose traceback is; 71 memory that there is not; 74 a full disk, or a standard output that cannot be written; 141 a
    reader that went away; 129 a terminal that was closed; 143 a request to end.
    """
    if not _has_streams():
        complain(f"the output: cannot be written: {os.strerror(errno.EBADF)}")
        return EXIT_NO_OUTPUT
    codecs.register_error("skipbeat.similar", _similar)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal of few characters, a name of a file that is no text
            stream.reconfigure(errors="skipbeat.similar")
    warnings.showwarning = _warned
    sys.warnoptions.append("ignore:resource_tracker:UserWarning")  # workers' helper tidies up after an end, silently
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt  # temporary files are removed and workers ended, whichever signal it was

    def unraisable(found: sys.UnraisableHookArgs) -> None:
        """What Python cannot raise, as in a finalizer: an interruption there is answered by `ended_in_time`."""
        if not received:  # objects that were being made do not know how to end
            sys.__unraisablehook__(found)

    sys.unraisablehook = unraisable
    with ended_in_time(), _place_for_tools():
        try:
            status = _guarded(interrupt)
        except OSError:  # that it was interrupted is told to a terminal that is closed
            if not received:
                raise
            status = EXIT_INTERRUPTED
    if status == EXIT_INTERRUPTED:
        end_at_once(128 + received[0] if received else status)
    return status


def _has_streams() -> bool:
    """Whether there is a standard output. Streams that were closed lead nowhere, so that no file gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    return sys.stdout is not None


def _similar(error: UnicodeError) -> tuple[str, int]:
    """How characters that a terminal has not got are written: by similar ones, or by their numbers."""
    assert isinstance(error, UnicodeEncodeError)
    similar = error.object[error.start : error.end].translate(_SIMILAR)
    return similar.encode("ascii", "backslashreplace").decode("ascii"), error.end


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning, of a user's own module say, in one line; replaces `warnings.showwarning`."""
    with contextlib.suppress(OSError):  # as Python does: a warning is no reason to end
        told = one_line(f"{filename}:{lineno}: {category.__name__}: {message}", _WARNING_CHARACTERS)
        print(f"skipbeat: warning: {told}", file=file or sys.stderr)


@contextlib.contextmanager
def _place_for_tools() -> Iterator[None]:
    """A cache for tools that cannot do without one, such as Yosys, where the user's home cannot be written."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    with contextlib.ExitStack() as stack:
        if not _can_be_written(place):
            with contextlib.suppress(OSError):  # nothing can be written anywhere, and most commands need no tool
                folder = stack.enter_context(partial(Path(tempfile.mkdtemp(prefix="skipbeat-"))))
                os.environ["XDG_CACHE_HOME"] = str(folder)
        yield


def _can_be_written(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK | os.X_OK)
    return False


def _guarded(interrupt: Callable[[int, FrameType | None], None]) -> int:
    try:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, interrupt)
        status = main()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        deaf()
        answered()
        with contextlib.suppress(OSError):  # the terminal may be what ended
            print(LINE, file=sys.stderr)
        return EXIT_INTERRUPTED
    except SystemExit:  # click's own way to end when the reader of its output has gone
        return EXIT_CLOSED_PIPE
    except BrokenPipeError:
        _drop_output()
        return EXIT_CLOSED_PIPE
    except MemoryError as error:
        complain(f"not enough memory: {error or 'the work is too large for this machine'}{_memory()}")
        return EXIT_NO_MEMORY
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _defect(error)
        if error.filename is None:  # what was printed is kept where it can be
            _drop_output()
        complain(f"{error.filename or 'the output'}: cannot be written: {error.strerror}")
        return EXIT_NO_OUTPUT
    except ToolError as error:
        return _told(EXIT_TOOL, str(error), str(error).splitlines()[0].removesuffix(":"), "its output is in")
    except Exception as error:  # the last door: whoever runs a command gets a line, and we get a report
        return _defect(error)


def _drop_output() -> None:
    """What is still to be written has nowhere to go, and Python would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _defect(error: Exception) -> int:
    return _told(
        EXIT_DEFECT,
        "".join(traceback.format_exception(error)),
        f"a defect of skipbeat: {described(error)}",
        "please report it with",
    )


def _told(status: int, text: str, line: str, where: str) -> int:
    """Say `line`, and where all of `text` is: in a file, or where none can be written above the line."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="skipbeat-", suffix=".txt", delete=False) as file:
            file.write(f"{' '.join(sys.argv)}\n\n{text}")
        place = file.name
    except OSError:
        print(text, file=sys.stderr)
        place = "the lines above"
    complain(f"{line}; {where} {place}")
    return status


def _memory() -> str:
    size = machine_memory()
    return "" if size is None else f"; this machine has {size / 2**30:.1f} GiB"
