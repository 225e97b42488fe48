"""What moved each written token: the strip of bars under a text, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.drawing.numbers import fixed
from core.drawing.palette import BASELINE, EXPERT, NEGATIVES
from core.drawing.text import escaped

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

STRIP_HEIGHT = 128


@dataclass(frozen=True)
class TokenForce:
    """What moved one written token, in nats of log-probability.

    expert: gamma times expert minus base; positive where it favoured the token. negative: what moving
    away from the negatives gave it; positive where it favoured the token. switched: another token was
    likelier before guidance. logprobs: log p under expert, base and negative context, None where a branch
    was not computed; the hover card shows them.
    """

    token: str
    expert: float
    negative: float
    switched: bool = False
    logprobs: tuple[float | None, float | None, float | None] | None = None


def force_strip(tokens: Sequence[TokenForce]) -> go.Figure:
    """Bars of what moved each token: teal up towards the expert, plum down away from the negatives.

    A force that worked against its token crosses the line.
    """
    import plotly.graph_objects as go

    at = list(range(len(tokens)))
    figure = go.Figure()
    cards = [_force_card(force) for force in tokens]
    for values, colour in (
        ([force.expert for force in tokens], EXPERT),
        ([-force.negative for force in tokens], NEGATIVES),
    ):
        figure.add_trace(
            go.Bar(
                x=at,
                y=[round(float(value), 4) for value in values],
                marker={"color": colour, "line": {"width": 0}},
                customdata=at,
                hovertext=cards,
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    figure.update_layout(
        height=STRIP_HEIGHT,
        margin={"l": 44, "r": 10, "t": 4, "b": 46},
        showlegend=False,
        barmode="relative",
        bargap=0.35,
        hovermode="closest",
        hoverlabel={"align": "left"},
        dragmode=False,
        xaxis={
            "tickmode": "array",
            "tickvals": at,
            "ticktext": [escaped(_visible(force.token)) for force in tokens],
            "tickangle": -45 if len(tokens) > 8 else 0,
            "tickfont": {"size": 10},
            "range": [-0.7, max(len(tokens), 8) - 0.3],
            "showgrid": False,
            "ticks": "",
        },
        yaxis={
            "title": {"text": "nats", "font": {"size": 11}, "standoff": 4},
            "nticks": 3,
            "tickfont": {"size": 10},
            "showgrid": False,
            "zeroline": True,
            "zerolinecolor": BASELINE,
            "zerolinewidth": 1,
            "ticks": "",
        },
    )
    return figure


def force_table(tokens: Sequence[TokenForce]) -> pd.DataFrame:
    """The strip's twin: one row a token, in the order written."""
    import pandas as pd

    return pd.DataFrame(
        {
            "Token": [_visible(force.token) for force in tokens],
            "Towards the expert, nats": [float(force.expert) for force in tokens],
            "Away from negatives, nats": [float(force.negative) for force in tokens],
            "Another token was likelier": [force.switched for force in tokens],
        }
    )


def _visible(token: str) -> str:
    return token.replace("\r\n", "\n").replace("\n", "⏎").strip(" ") or "␣"


def _force_card(force: TokenForce) -> str:
    lines = [f"<b>{escaped(_visible(force.token)[:60])}</b>"]
    lines.append(f"towards the expert {fixed(force.expert, 2)} nats")
    lines.append(f"away from negatives {fixed(force.negative, 2)} nats")
    if force.logprobs is not None:
        known = zip(("expert", "base", "negative"), force.logprobs, strict=True)
        lines.append("log p: " + ", ".join(f"{name} {fixed(value, 2)}" for name, value in known))
    if force.switched:
        lines.append("another token was likelier before")
    return "<br>".join(lines)
