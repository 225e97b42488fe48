"""A progress bar on standard error, and how a command is broken off."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

FILE_SECONDS = 5.0
"""How often the bar is written where standard error is a file; on a terminal it moves by itself."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with one sentence that says what is stored and how to go on."""


class Bar:
    """A progress bar, shown at once on a terminal, elsewhere from the first sample on.

    So a command that fails while it starts leaves its explanation alone on standard error.
    """

    def __init__(self, total: int | None, unit: str = "sample") -> None:
        self._total = total
        self._unit = unit
        self._bar: Any = None
        self._terminal = sys.stderr.isatty()
        if self._terminal:
            self._open()

    def show(self, done: int, words: str = "") -> None:
        """Move to `done` of all, where it is known how many that is."""
        if self._bar is None:
            if not done:
                return
            self._open()
        if words != self._bar.postfix:
            self._bar.set_postfix_str(words, refresh=False)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def _open(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=self._total,
            unit=self._unit,
            file=sys.stderr,
            dynamic_ncols=self._terminal,
            mininterval=0.1 if self._terminal else FILE_SECONDS,
        )
