"""Charts that light up together: a lasso on one lights the same samples on the others, in the browser itself.

A figure that changes is drawn anew from the ground, which takes a second and loses zoom and lasso. So the figures
of linked charts never change with a selection. A component without a face hears of a lasso, box or click, tells
the server which samples it holds, and asks Plotly to fade all others, also where a chart was drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

MANY = 4_000
"""Points from which a chart is drawn at the screen's own resolution and not at twice of it, which costs four times."""


def linked_config(points: int) -> dict[str, Any]:
    """The Plotly configuration of a linked chart of so many points."""
    return {
        "displaylogo": False,
        "showTips": False,
        # Streamlit takes the lasso away from charts that it does not watch itself.
        "modeBarButtons": [["lasso2d", "select2d"], ["zoom2d", "pan2d", "resetScale2d"]],
    } | ({"plotGlPixelRatio": 1} if points > MANY else {})


_JS = """
// The page's own chart library; each chart is found by the key it was given in Python.
const find = (key) => document.querySelector(`.st-key-${CSS.escape(key)} .js-plotly-plot`);
const isSample = (id) => typeof id === "string" && (id.startsWith("sample:") || id.startsWith("real:"));
const same = (one, other) =>
  one === other || (one && other && one.size === other.size && [...one].every((id) => other.has(id)));
const pages = new WeakMap();
const charts = new WeakMap();

// In three dimensions nothing can be selected.
const holdsSamples = (trace) => trace.type === "scattergl" && isSample(trace.customdata?.[0]);

// A chart that was given a new figure has forgotten what was faded on it.
function forgot(chart, lit) {
  const traces = chart.data.filter(holdsSamples);
  return lit !== null && traces.length > 0 && traces.every((trace) => trace.selectedpoints == null);
}

// lit: a Set of ids, or null where everything is as bright as ever.
async function light(chart, lit) {
  const traces = [], points = [];
  chart.data.forEach((trace, number) => {
    if (!holdsSamples(trace)) return;
    traces.push(number);
    points.push(lit === null ? null : trace.customdata.flatMap((id, place) => (lit.has(id) ? [place] : [])));
  });
  charts.get(chart).lit = lit;
  if (!traces.length) return;
  // An outline of its own goes. Nobody is told: whoever listens would take it for a person's doing, or draw again.
  const outlines = chart.layout.selections?.length ? { selections: [] } : {};
  const { emit } = chart;
  chart.emit = () => false;
  try {
    await window.Plotly.update(chart, { selectedpoints: points }, outlines, traces);
  } finally {
    chart.emit = emit;
  }
}

// own: whether the chart has lit these itself; a lasso around nothing has faded all of it.
function pick(mine, chart, ids, own) {
  mine.tell({ ids });
  mine.busy = true;
  // Later, so that the server hears of it first.
  setTimeout(() => {
    mine.busy = false;
    mine.lit = ids.length ? new Set(ids) : null;
    charts.get(chart).lit = own ? mine.lit : undefined;
    look(mine);
    // The card that came up under the end of the lasso would stay where the mouse leaves at once.
    window.Plotly?.Fx?.unhover(chart);
  });
}

function hook(chart, mine) {
  charts.set(chart, { lit: null });
  const { emit } = chart;
  // The outline of a lasso is drawn already; told of it, Streamlit would draw the whole chart once more.
  chart.emit = (name, change, ...rest) => {
    const names = name === "plotly_relayout" ? Object.keys(change ?? {}) : [];
    return names.length && names.every((each) => each.startsWith("selections")) ? false : emit(name, change, ...rest);
  };
  chart.on("plotly_selected", (event) => {
    if (!event) return;
    const ids = event.points.map((point) => point.customdata).filter(isSample);
    pick(mine, chart, ids, ids.length > 0);
  });
  chart.on("plotly_deselect", () => pick(mine, chart, [], true));
  chart.on("plotly_click", (event) => {
    const id = event.points[0]?.customdata;
    if (isSample(id)) pick(mine, chart, [id], false);
    else if (typeof id === "string") mine.tell({ mark: id });
  });
}

function look(mine) {
  if (!window.Plotly || mine.busy) return;
  for (const chart of mine.keys.map(find)) {
    // Under a lasso that is being drawn Plotly fades points itself.
    if (!chart?.on || !chart.data || chart._dragging) continue;
    if (!charts.has(chart)) hook(chart, mine);
    const { lit } = charts.get(chart);
    if (lit === undefined || !same(lit, mine.lit) || forgot(chart, lit)) light(chart, mine.lit);
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const mine = pages.get(parentElement) ?? { version: null, lit: null };
  mine.keys = data.charts;
  mine.tell = (value) => setTriggerValue("picked", value);
  if (mine.version !== data.version) {
    mine.version = data.version;
    mine.lit = data.lit === null ? null : new Set(data.lit);
  }
  // A chart may come later, or anew.
  mine.timer ??= setInterval(() => look(mine), 200);
  pages.set(parentElement, mine);
  look(mine);
  return () => {
    clearInterval(mine.timer);
    pages.delete(parentElement);
  };
}
"""

_linked = st.components.v2.component("steerscope.linked_charts", js=_JS)


@dataclass(frozen=True)
class Pick:
    """What was picked: ids of samples, none where a lasso was taken away; or mark, the id of something else."""

    ids: tuple[str, ...] = ()
    mark: str = ""


def link_charts(
    charts: Sequence[str], lit: Sequence[str] | None, version: int, *, key: str, on_pick: Callable[[Pick], None]
) -> None:
    """Keep the selections of these charts alike. Draws nothing.

    charts: keys of `st.plotly_chart` with `linked_config`, whose points carry ids in `customdata`: those of
    samples begin with `real:` or `sample:`. lit: the ids that are selected, None where none are; version:
    changes with every selection. on_pick: called before the fragment of this call is drawn again.
    """
    _linked(
        key=key,
        data={"charts": list(charts), "lit": None if lit is None else list(lit), "version": version},
        height=1,
        on_picked_change=lambda: on_pick(pick_of(st.session_state[key].get("picked"))),
    )


def pick_of(told: Any) -> Pick:
    """What the browser told, which may be anything."""
    if not isinstance(told, dict):
        return Pick()
    ids, mark = told.get("ids"), told.get("mark")
    samples = [one for one in ids if isinstance(one, str)] if isinstance(ids, list) else []
    return Pick(tuple(dict.fromkeys(samples)), mark if isinstance(mark, str) else "")
