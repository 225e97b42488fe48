"""One exception tree. Every message is one sentence: what happened, where, and what to do.

SteerscopeError
|-- SettingsError          a slider, option or environment variable is out of range
|-- TaskFormatError        a task folder or one of its rows cannot be used
|-- ImportFormatError      a file of generations, or some of its rows, cannot be imported
|-- ModelError             a model folder is missing, corrupt or unusable
|   `-- PairMismatchError  expert and base cannot be steered together
|-- EmbedderError          the sentence embedder is missing or not the one that was pinned
|-- StoreError             the store cannot be opened, read or written
|   `-- StoreVersionError  the store was made by a newer Steerscope
|-- NotFoundError          no run, sample, job or map of that name
|-- StateError             the run or job is not in a state that allows the action
`-- StatisticsError        the data cannot carry the statistic that was asked for
"""

from __future__ import annotations


class SteerscopeError(Exception):
    """Base of every error that is explained to a person; its text is shown as it is."""


class SettingsError(SteerscopeError):
    """A slider, option or environment variable is out of range."""


class TaskFormatError(SteerscopeError):
    """A task folder or one of its rows cannot be used."""


class ImportFormatError(SteerscopeError):
    """A file of generations, or some of its rows, cannot be imported; nothing of it was."""


class ModelError(SteerscopeError):
    """A model folder is missing, corrupt or unusable."""


class PairMismatchError(ModelError):
    """Expert and base cannot be steered together."""


class EmbedderError(SteerscopeError):
    """The sentence embedder is missing or not the one that was pinned."""


class StoreError(SteerscopeError):
    """The store cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The store was made by a newer Steerscope."""


class NotFoundError(SteerscopeError):
    """No run, sample, job or map of that name."""


class StateError(SteerscopeError):
    """The run or job is not in a state that allows the action."""


class StatisticsError(SteerscopeError):
    """The data cannot carry the statistic that was asked for."""
