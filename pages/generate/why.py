"""Why this token: a sample's words coloured by what moved them, the forces below, and what else could stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.drawing.forces import STRIP_HEIGHT, TokenForce, force_strip, force_table
from core.drawing.numbers import DASH, fixed
from core.errors import NotFoundError
from core.jobs import Jobs
from core.storage.records import Job, Run, Sample
from core.tasks import Task
from pages.shared.charts import chart, table_twin
from pages.shared.engine import open_jobs
from pages.shared.headline import section
from pages.shared.plain import literal, readable

if TYPE_CHECKING:
    import pandas as pd

REFRESH_SECONDS = 0.3
HEIGHT = STRIP_HEIGHT + 92
TEAL, PLUM = "15,160,140", "165,67,156"
END = " (end)"
FELT = 0.1
"""Nats below which a force is not coloured."""

KEY = (
    f':small[:color[towards the expert]{{background="rgba({TEAL},.38)"}}] '
    f':small[:color[away from negatives]{{background="rgba({PLUM},.30)"}}] '
    ":small[**bold** another token was likelier before]"
)


def why(task: Task, run: Run) -> None:
    """The section under the samples; it asks the queue only while an explanation is being made."""
    jobs = open_jobs()
    asked = _asked(jobs, run)
    active = asked is not None and asked[1].active
    st.fragment(_section, run_every=REFRESH_SECONDS if active else None)(task, run.id, active)


def _section(task: Task, run: str, was_active: bool) -> None:
    jobs = open_jobs()
    asked = _asked(jobs, jobs.store.run(run))
    if asked is None:
        section("Why this token", "what moved each word of a sample")
        with st.container(border=True, height=HEIGHT, vertical_alignment="center", horizontal_alignment="center"):
            st.markdown(
                ":small[:gray[Choose :material/troubleshoot: on a sample to see what moved each of its tokens.]]",
                text_alignment="center",
            )
        return
    sample, job = asked
    if was_active and not job.active:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        query = task.by_id[sample.query].text if sample.query in task.by_id else sample.query
        section("Why this token", f"{literal(query)} · replicate {sample.replicate + 1}")
        st.markdown(KEY, width="content")
    with st.container(border=True):
        if job.status == "done":
            _explained(tokens_of(sample, job.result["tokens"]))
        elif job.active:
            st.markdown(":small[:shimmer[Reading the sample once more with every model]]")
            st.skeleton(HEIGHT - 70)
        else:
            words = job.error or "It was stopped before it was done; choose the sample again."
            st.error(literal(words), title="No explanation", icon=":material/error:")


def _asked(jobs: Jobs, run: Run) -> tuple[Sample, Job] | None:
    """The sample that the session or the address asks about, and its job; None where it is of another run."""
    kept: dict[str, Any] | None = st.session_state.get("why")
    named = st.query_params.get("why", "")
    try:
        if kept is None and named.isascii() and named.isdigit():
            sample = jobs.store.sample(int(named))
            if sample.run == run.id:
                from core.running import submit_explain

                kept = {"run": run.id, "sample": sample.id, "job": submit_explain(jobs, sample.id).id}
                st.session_state["why"] = kept
        if kept is None or kept["run"] != run.id:
            return None
        return jobs.store.sample(kept["sample"]), jobs.job(kept["job"])
    except NotFoundError:
        st.session_state.pop("why", None)
        return None


def tokens_of(sample: Sample, tokens: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The explained tokens, the one that ended the text under a name that can be read."""
    named = [dict(token) for token in tokens]
    if named and sample.finish == "end":
        end = named[-1]["text"]
        for token in named:
            for place in (token, *token["alternatives"]):
                place |= {key: END for key in ("text", "likeliest", "plain") if place.get(key) == end}
    return named


def _explained(tokens: Sequence[Mapping[str, Any]]) -> None:
    if not tokens:
        st.caption("This sample is empty: its first token ended it.")
        return
    differ = [token for token in tokens if token["plain"] != token["text"]]
    plain = st.toggle(
        "What plain sampling would have preferred",
        key="plain",
        help="The expert alone, with the same temperature, truncation and noise, judged on the text as it was "
        "written: one token at a time, not a text of its own.",
    )
    st.markdown(prose(tokens, plain))
    if plain:
        st.caption(f"Plain sampling prefers another token at {len(differ)} of {len(tokens)} places.")
    forces = [_force(token) for token in tokens]
    with st.container(gap=None):
        chart(force_strip(forces), key="forces", alt=_alt(tokens))
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        place = st.selectbox(
            "Alternatives to one token",
            range(len(tokens)),
            format_func=lambda i: f"{i + 1} · {readable(tokens[i]['text']).strip() or '␣'}",
            key="token",
            width=260,
        )
        table_twin(force_table(forces), key="forces-table")
    # A sample with fewer tokens may have been chosen since.
    token = tokens[min(int(place or 0), len(tokens) - 1)]
    st.dataframe(
        alternatives(token),
        hide_index=True,
        alt="Tokens that could have been written here, the likeliest after guidance first",
        column_config={"Probability": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)},
        key="alternatives",
    )


def prose(tokens: Sequence[Mapping[str, Any]], plain: bool = False) -> str:
    """The text as Markdown: every token on the colour of the force that favoured it most."""
    return "".join(_word(token, plain) for token in tokens)


def _word(token: Mapping[str, Any], plain: bool) -> str:
    text = readable(token["text"])
    bare = text.strip(" ")
    before = " " * (len(text) - len(text.lstrip(" ")))
    if not bare:
        return text
    shown = literal(bare)
    if token["likeliest"] != token["text"]:
        shown = f"**{shown}**"
    towards, away = float(token["towards"]), float(token["away"])
    strength, colour = max((towards, TEAL), (away, PLUM))
    if strength >= FELT:
        alpha = min(0.12 + 0.2 * strength, 0.6)
        shown = f':color[{shown}]{{background="rgba({colour},{alpha:.2f})"}}'
    if plain and token["plain"] != token["text"]:
        other = literal(readable(token["plain"]).strip(" ")) or "␣"
        shown += f" :gray[:small[({other})]]"
    return before + shown


def alternatives(token: Mapping[str, Any]) -> pd.DataFrame:
    """What could have stood in a token's place, the likeliest after guidance first."""
    import pandas as pd

    rows = token["alternatives"]
    columns = {"Token": [_shown(row["text"]) for row in rows], "Probability": [row["probability"] for row in rows]}
    for key in ("expert", "base", "negative"):
        if any(row[key] is not None for row in rows):
            columns[f"log p, {key}"] = [fixed(row[key], 2) for row in rows]
    columns[""] = ["written" if row["text"] == token["text"] else "" for row in rows]
    return pd.DataFrame(columns)


def _force(token: Mapping[str, Any]) -> TokenForce:
    return TokenForce(
        token=token["text"],
        expert=float(token["towards"]),
        negative=float(token["away"]),
        switched=token["likeliest"] != token["text"],
        logprobs=(token["expert"], token["base"], token["negative"]),
    )


def _shown(piece: str) -> str:
    return readable(piece).strip(" ") or "␣"


def _alt(tokens: Sequence[Mapping[str, Any]]) -> str:
    strongest = max(tokens, key=lambda token: max(abs(token["towards"]), abs(token["away"])))
    towards, away = fixed(strongest["towards"], 2), fixed(strongest["away"], 2)
    return (
        f"Bars of what moved each of {len(tokens)} tokens; the strongest is {_shown(strongest['text'])!r}, "
        f"{towards} nats towards the expert and {away} away from the negatives."
    ).replace(DASH, "no")
