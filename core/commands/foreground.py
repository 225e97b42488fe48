"""Work done in this process behind a progress bar: writing runs, and embedding for a map."""

from __future__ import annotations

from collections.abc import Sequence

from core.commands.documents import Swept
from core.commands.printing import say
from core.commands.progress import Bar, Interrupted
from core.embedding import EMBEDDER, content_key, embed, load_embedder
from core.errors import StateError
from core.generators import Generator, RealGenerator, stored_generators
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


def embed_for_map(store: Store, task: Task, runs: Sequence[Run]) -> None:
    """Bring the missing vectors of the real rows and of these runs' samples into the store."""
    generators: list[Generator] = [RealGenerator(task), *stored_generators(store, runs)]
    missing = _unknown(store, [one.text for generator in generators for one in generator.answers()])
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
