"""The options of the command line; the sliders' are made from `SteerSettings`, so that none is forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.sliders import CHOICES, LIMITS, PRESETS, SteerSettings
from core.tasks import Task


def whole_path(model: str | None) -> str | None:
    """A model folder by its whole path, since a run may be resumed from elsewhere; a hub name as it is."""
    if model is None or not (folder := Path(model).expanduser()).is_dir():
        return model
    return str(folder.resolve())


StoreUrl = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="URL of the store; STEERSCOPE_STORE, or the default store."),
]
TaskName = Annotated[str, typer.Option("--task", metavar="NAME", help="Name of a task; `tasks` lists them.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run; `runs` lists them.")]
Queries = Annotated[int | None, typer.Option(help="So many queries of the role; all by default.")]
Replicates = Annotated[int, typer.Option(help="Answers to each query.")]
BatchSize = Annotated[int | None, typer.Option(help="Rows decoded together; it never changes a text.")]
AnsweredRole = Annotated[Literal["probe", "train"], typer.Option(help="Which queries are answered.")]
Base = Annotated[
    str | None, typer.Option(callback=whole_path, help="Folder or hub name of a base model; with --expert.")
]
Expert = Annotated[
    str | None, typer.Option(callback=whole_path, help="Folder or hub name of a LoRA adapter or a model.")
]

HELP = {
    "gamma": "Contrastive expert guidance: how far to move from the base model.",
    "eta": "Negative prompting: how far to move from the negative examples; below 1 in subtract mode.",
    "mode": "How the negative examples enter the formula.",
    "alpha": "Plausibility: drop tokens below this share of the most likely one's probability; 0 is off.",
    "temperature": "Divides the combined scores before sampling.",
    "top_k": "Keep the k most likely tokens; 0 is off.",
    "top_p": "Keep the most likely tokens up to this probability; 1 is off.",
    "min_p": "Drop tokens below this share of the most likely one's probability after steering; 0 is off.",
    "negatives": "Examples in a negative context.",
    "policy": "Which rows of the pool become negative examples.",
    "draw": "One negative context for a whole round, or one for every sample.",
    "chains": "Passes over the queries with a pool of their own; 0 is one a replicate.",
    "round_size": "Queries that a chain answers before its pool grows.",
    "max_new_tokens": "Length at which a text is cut.",
    "seed": "Seed of everything random; the same seed and settings give the same text.",
}
PRESET_NAMES = {name.lower().replace(" ", "-"): name for name in PRESETS}
"""Presets as they are written on the command line."""


def with_settings(*, lists: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put an option for every slider, and `--preset`, in place of a command's `**given`.

    lists: every option takes values with commas between them (a grid) instead of one value.
    What was not given arrives as None.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        kept = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        made = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in _annotations(lists).items()
        ]
        command.__signature__ = own.replace(parameters=[*kept, *made])  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in (*kept, *made)} | {"return": None}
        return command

    return decorate


def chosen(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the sliders: the task's length, then the preset's changes, then what was given."""
    named = {name: value for name, value in given.items() if value is not None}
    preset = named.pop("preset", None)
    return {
        "max_new_tokens": task.max_new_tokens,
        **(PRESETS[PRESET_NAMES[preset]] if preset else {}),
        **named,
    }


def list_reader(name: str) -> Callable[[str | None], list[Any] | None]:
    """Turns "0,0.2,0.4" into its values; what is no number is a mistake of usage, as it is for one value."""
    kind = str if name in CHOICES else type(getattr(SteerSettings, name))

    def parse(text: str | None) -> list[Any] | None:
        if text is None:
            return None
        values = []
        for part in (part.strip() for part in text.split(",")):
            try:
                if name in CHOICES and part not in CHOICES[name]:
                    raise ValueError
                values.append(kind(part))
            except ValueError:
                wanted = {float: "a number", int: "a whole number"}.get(kind, f"one of {_range(name)}")
                raise typer.BadParameter(f"{part!r} is not {wanted}.") from None
        return list(dict.fromkeys(values))

    return parse


def _annotations(lists: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "preset": Annotated[
            Literal[tuple(PRESET_NAMES)] | None,
            typer.Option("--preset", help="Start from these sliders; the other options change them."),
        ]
    }
    for field in fields(SteerSettings):
        flag = "--" + field.name.replace("_", "-")
        default = "the task's" if field.name == "max_new_tokens" else field.default
        limits = "" if field.name in CHOICES and not lists else f"{_range(field.name)}; "
        words = f"{HELP[field.name]} [{limits}default {default}]"
        if lists:
            option = typer.Option(flag, help=words, metavar="VALUE,...", callback=list_reader(field.name))
            made[field.name] = Annotated[str | None, option]
        else:
            made[field.name] = Annotated[_type(field.name) | None, typer.Option(flag, help=words)]
    return made


def _type(name: str) -> Any:
    if name in CHOICES:
        return Literal[CHOICES[name]]
    return type(getattr(SteerSettings, name))


def _range(name: str) -> str:
    if name in CHOICES:
        return ", ".join(CHOICES[name])
    low, high = LIMITS[name]
    return f"{low:g} to {high:.10g}"
