"""Work done in this process with a progress bar on standard error: writing runs, and embedding for a map."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from core.commands.documents import Swept
from core.commands.printing import say
from core.embedding import EMBEDDER, content_key, embed, load_embedder
from core.errors import StateError
from core.generators import RealGenerator, StoredGenerator
from core.handlers import handlers, loaded
from core.jobs import RESUMABLE, Jobs
from core.models import PairSpec
from core.scheduling.context import JobContext
from core.scheduling.processes import this_process
from core.scheduling.scheduler import Scheduler
from core.storage.records import Job, Run
from core.store import Store
from core.sweep import Sweep, steps
from core.tasks import Task
from core.threads import limit_threads

FILE_SECONDS = 5.0
"""How often the bar is written where standard error is a file; on a terminal it moves by itself."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with one sentence that says what is stored and how to go on."""


class Bar:
    """A progress bar, shown at once on a terminal, elsewhere from the first sample on.

    So a command that fails while it starts leaves its explanation alone on standard error.
    """

    def __init__(self, total: int, unit: str = "sample") -> None:
        self._total = total
        self._unit = unit
        self._bar: Any = None
        self._terminal = sys.stderr.isatty()
        if self._terminal:
            self._open()

    def show(self, done: int, words: str = "") -> None:
        """Move to `done` of all."""
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


def prepare(spec: PairSpec) -> None:
    """Load a pair before anything is stored, so that a pair that cannot be used leaves no run behind.

    Raises ModelError or PairMismatchError. The pair stays loaded for the run.
    """
    limit_threads()
    loaded(spec)


def write_run(jobs: Jobs, job: Job, bar: Bar, *, before: int = 0, name: str = "", go_on: str = "") -> Run:
    """Run a job that this process holds to its end and return its run; the bar counts samples.

    before: samples that the bar counted for earlier runs; name: what the bar says of this one; go_on: what
    to do after Ctrl-C, the `resume` command unless given. Raises StateError where the run did not become
    done, with the reason, and Interrupted on Ctrl-C; the run is resumable after both.
    """
    run = str(job.run)

    def show(context: JobContext) -> None:
        bar.show(before + context.done, f"{name} {context.message}".strip())

    try:
        ended = Scheduler(jobs.store, handlers()).run_one(job, show)
    except KeyboardInterrupt:
        stored = jobs.store.run(run)
        how = go_on or f"`steerscope resume {run}` goes on with it"
        raise Interrupted(
            f"Run {run} is interrupted with {stored.samples} of {stored.expected} samples stored; {how}."
        ) from None
    if ended.status == "done":
        return jobs.store.run(run)
    if ended.status == "failed":
        raise StateError(f"Run {run} failed: {ended.error}")
    what = {"running": "was taken over by another process", "queued": "was taken over by another process"}
    raise StateError(
        f"Run {run} {what.get(ended.status, f'was {ended.status} from elsewhere')}; "
        f"`steerscope resume {run}` goes on with it once nobody else writes it."
    )


def write_sweep(jobs: Jobs, sweep: Sweep, *, batch_size: int | None = None) -> Swept:
    """Write what a sweep lacks, run after run, with one bar over all their samples."""
    lacking = [run for run in sweep.runs_of(jobs.store) if run is None or run.status in RESUMABLE]
    each = sweep.samples_each
    written: list[str] = []
    skipped: list[str] = []
    elsewhere: list[str] = []
    with Bar(len(lacking) * each) as bar:
        if lacking:
            prepare(sweep.pair)
        for step in steps(jobs, sweep, owner=this_process(), batch_size=batch_size):
            if step.job is None:
                skipped.append(step.run)
                elsewhere += [step.run] if step.kind == "elsewhere" else []
                continue
            write_run(
                jobs,
                step.job,
                bar,
                before=len(written) * each,
                name=f"run {len(written) + 1}/{len(lacking)}, {step.sliders.short()}",
                go_on="the same command goes on with it",
            )
            written.append(step.run)
    for run in elsewhere:
        say(f"Run {run} is queued or being written by another process, and was left to it.")
    return Swept(sweep.id, written, skipped)


def embed_for_map(store: Store, task: Task, runs: Iterable[Run]) -> None:
    """Bring the missing vectors of the real rows and of these runs' samples into the store."""
    answers = [RealGenerator(task).answers(), *(StoredGenerator(store, run).answers() for run in runs)]
    missing = _unknown(store, [one.text for each in answers for one in each])
    if not missing:
        return  # and the embedder is not even loaded
    limit_threads()
    with Bar(len(missing), "text") as bar:
        for done in embed(missing, load_embedder(), store.vectors(EMBEDDER)):
            bar.show(done, "embedding")


def _unknown(store: Store, texts: Sequence[str]) -> list[str]:
    text_of = {content_key(text): text for text in texts}
    known = store.vectors(EMBEDDER).get(text_of)
    return [text for key, text in text_of.items() if key not in known]
