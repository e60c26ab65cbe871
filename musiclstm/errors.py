"""Every error this package raises on purpose.

A message is one sentence that says what was wrong, what is allowed and what came, in words a musician understands; it is shown
as it is on the command line and in the page. The tree:

    MusicLSTMError
    ├── InputError            what the person gave can't be used
    │   ├── OptionError       a number or a name outside its range
    │   ├── MusicFileError    a music file that is broken, empty or of an unknown kind
    │   └── DataError         a folder or collection without usable music
    ├── CheckpointError       a checkpoint that is missing, damaged, newer than this program or not ours
    ├── HubError              the Hugging Face Hub refuses, or can't be reached
    ├── WorkerError           one of several processes that train together has left, or does not belong to them
    └── MissingToolError      a program or a sound font that has to be installed first
"""

from __future__ import annotations


class MusicLSTMError(Exception):
    """Base of the tree. ``exit_code`` is what the command line ends with."""

    exit_code = 2


class InputError(MusicLSTMError):
    """What the person gave can't be used."""


class OptionError(InputError):
    """A number or a name outside its range."""


class MusicFileError(InputError):
    """A music file that is broken, empty or of an unknown kind."""


class DataError(InputError):
    """A folder or collection without usable music."""


class CheckpointError(MusicLSTMError):
    """A checkpoint that is missing, damaged, newer than this program or not ours."""


class HubError(MusicLSTMError):
    """The Hugging Face Hub refuses what was asked of it, or can't be reached."""


class WorkerError(MusicLSTMError):
    """One of several processes that train together has left, or does not belong to them."""


class MissingToolError(MusicLSTMError):
    """A program or a sound font that has to be installed first."""
