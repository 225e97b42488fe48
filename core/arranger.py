"""The process in which samples are laid out and placed: UMAP compiles and computes there, and nobody waits for it.

In a thread of the worker its compiler would hold the interpreter's lock: steps of decoding beside it were
measured to take two to three times as long. The process keeps what it compiled and the views it was shown, gives way
to others, and ends with the worker, or when nobody asked for half an hour. Both sides speak through pipes: a line of
JSON, then arrays of little-endian float32.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

import numpy as np

from core.errors import StatisticsError
from core.sample_view import Floats, SampleView, lay_out
from core.scheduling.processes import python_environment

IDLE_SECONDS = 1800.0
HELD_VIEWS = 4
_NICENESS = 5
log = logging.getLogger(__name__)


class Arranger:
    """The side of the process that asks; it starts the process when it needs it. Safe to share between threads.

    idle: seconds without a question after which the process ends. Every call blocks until it is answered
    and raises StatisticsError where the process dies over it.
    """

    def __init__(self, idle: float = IDLE_SECONDS) -> None:
        self.idle = idle
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def lay_out(self, vectors: Floats, seed: int) -> Floats:
        """`core.sample_view.lay_out` in the process."""
        with self._turn:
            return self._ask({"do": "lay out", "seed": seed}, [vectors])[1][0]

    def place(self, view: str, laid_out: SampleView, vectors: Floats) -> Floats:
        """`SampleView.place` in the process, which is shown the view where it does not hold it under that name."""
        with self._turn:
            said, points = self._ask({"do": "place", "view": view}, [vectors])
            if said.get("unknown"):
                shown = {"do": "hold", "view": view, "seed": laid_out.seed}
                self._ask(shown, [laid_out.vectors, laid_out.points])
                said, points = self._ask({"do": "place", "view": view}, [vectors])
            return points[0]

    def close(self) -> None:
        """End the process once it has answered what it was asked; the next call starts another."""
        with self._turn:
            self._drop()

    def _ask(self, what: dict[str, Any], arrays: Sequence[Floats]) -> tuple[dict[str, Any], list[Floats]]:
        answer = self._exchange(what, arrays)
        if answer is None and self._ended() == 0:  # it had idled too long: that is its right, even just now
            answer = self._exchange(what, arrays)
        if answer is None:
            raise StatisticsError(
                f"The process that arranges samples ended (exit status {self._ended()}) before it answered, perhaps "
                "for want of memory; close other programs and open the sample view again."
            )
        if "error" in answer[0]:
            raise RuntimeError(f"arranging failed: {answer[0]['error']}")
        return answer

    def _exchange(self, what: dict[str, Any], arrays: Sequence[Floats]) -> tuple[dict[str, Any], list[Floats]] | None:
        process = self._running()
        try:
            _send(cast(BinaryIO, process.stdin), what, arrays)
        except BrokenPipeError:
            return None
        return _receive(cast(BinaryIO, process.stdout))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._drop()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "core.arranger", str(self.idle)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # One thread, so that a place does not depend on how many cores there are.
                env=python_environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1"),
            )
        return self._process

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):  # what it did not read before it died is of no use
                cast(BinaryIO, pipe).close()
        process.wait()

    def _ended(self) -> int | None:
        return None if self._process is None else self._process.wait()


def _send(stream: BinaryIO, what: dict[str, Any], arrays: Sequence[Floats] = ()) -> None:
    stream.write(json.dumps({**what, "shapes": [array.shape for array in arrays]}).encode() + b"\n")
    for array in arrays:
        stream.write(np.ascontiguousarray(array, dtype="<f4").tobytes())
    stream.flush()


def _receive(stream: BinaryIO) -> tuple[dict[str, Any], list[Floats]] | None:
    """The next message, None where the other side has gone."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    what: dict[str, Any] = json.loads(line)
    arrays: list[Floats] = []
    for shape in what.pop("shapes"):
        size = 4 * math.prod(shape)
        data = stream.read(size)
        if len(data) < size:
            return None
        arrays.append(np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(shape))
    return what, arrays


def answer(what: dict[str, Any], arrays: list[Floats], held: dict[str, SampleView]) -> tuple[dict[str, Any], Floats]:
    """What the process says to one request; held: the views it was shown, the one used last at the end."""
    nothing = np.zeros((0, 2), dtype=np.float32)
    if what["do"] == "lay out":
        return {}, lay_out(arrays[0], what["seed"])
    if what["do"] == "hold":
        held[what["view"]] = SampleView(arrays[0], arrays[1], what["seed"])
        while len(held) > HELD_VIEWS:
            del held[next(iter(held))]
        return {}, nothing
    view = held.pop(what["view"], None)
    if view is None:
        return {"unknown": True}, nothing
    held[what["view"]] = view
    return {}, view.place(arrays[0])


def main() -> int:
    """Answer until the asking side is gone, or has asked nothing for as long as the first argument says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to handle; the pipe tells its end
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # Whatever a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    held: dict[str, SampleView] = {}
    while True:
        idle = threading.Timer(float(sys.argv[1]), os._exit, [0])
        idle.daemon = True
        idle.start()
        asked = _receive(sys.stdin.buffer)
        idle.cancel()
        if asked is None:
            return 0
        try:
            said, points = answer(*asked, held)
        except Exception as error:
            log.exception("%s failed", asked[0].get("do"))
            said, points = {"error": type(error).__name__}, np.zeros((0, 2), dtype=np.float32)
        try:
            _send(answers, said, [points])
        except BrokenPipeError:
            return 0


if __name__ == "__main__":
    sys.exit(main())
