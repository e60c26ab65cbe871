"""Every error this package raises on purpose.

A message is one sentence in words a musician understands: what was wrong, what is allowed and what came. The command line shows
it unchanged, the page in the visitor's language. The tree:

    MusicLSTMError
    ├── InputError            unusable input
    │   ├── OptionError       a number or a name outside its range
    │   ├── MusicFileError    a music file that is broken, empty or of an unknown kind
    │   └── DataError         a folder or collection without usable music
    ├── CheckpointError       a checkpoint that is missing, damaged, newer than this program or not made by it
    ├── DifferenceError       notes that are not those that their recipe writes
    ├── HubError              the Hugging Face Hub refused a request or can't be reached
    │   └── SignedOutError    it doesn't know the visitor any more
    ├── WorkerError           a training worker that has left, or does not belong to the group
    ├── ModelLostError        the process that computes has ended
    ├── MissingToolError      a program or a sound font that must be installed first
    └── StoppedError          somebody pressed Stop
"""

from __future__ import annotations

from typing import Any

from musiclstm.sentence import Sentence


class MusicLSTMError(Exception):
    """Base class. ``exit_code`` is the exit status of the command line.

    A message with {names} in braces gets its ``values`` as keywords; ``sentence`` keeps both, for the page to say it in a
    visitor's language.
    """

    exit_code = 2

    def __init__(self, message: str | Sentence = "", **values: Any) -> None:
        self.sentence = message if isinstance(message, Sentence) else Sentence(message, values)
        super().__init__(str(self.sentence))


class InputError(MusicLSTMError):
    """Unusable input."""


class OptionError(InputError):
    """A number or a name outside its range."""


class MusicFileError(InputError):
    """A music file that is broken, empty or of an unknown kind."""


class DataError(InputError):
    """A folder or collection without usable music."""


class CheckpointError(MusicLSTMError):
    """A checkpoint that is missing, damaged, newer than this program or not made by it."""


class DifferenceError(MusicLSTMError):
    """Notes that are not those that their recipe writes."""

    exit_code = 1


class HubError(MusicLSTMError):
    """The Hugging Face Hub refused a request or can't be reached."""


class SignedOutError(HubError):
    """A visitor who was signed in at the Hub isn't any more."""


class WorkerError(MusicLSTMError):
    """A training worker that has left, or does not belong to the group."""


class ModelLostError(MusicLSTMError):
    """The process of a page that computes has ended unexpectedly."""


class MissingToolError(MusicLSTMError):
    """A program or a sound font that must be installed first."""


class StoppedError(MusicLSTMError):
    """Somebody pressed Stop, so the work at hand was left."""
