"""Exceptions that stand for "the user's input is wrong"."""


class InputError(ValueError):
    """Bad input: the message is one line that names the thing and what was expected.

    The command line turns it into exit status 2 without a traceback.
    """


class HostOperatorError(InputError):
    """A network that cannot be one program: an operator in it is the host's."""
