"""A task that is made from a file: its folder among the user's tasks, whole or not there."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.errors import SettingsError, TaskFormatError
from core.tasks import OWN_NAME, bundled_folders, own_tasks

_MADE = "imported"
"""Key of task.json that names the import which made the task."""


def check_name(name: str, asked: str) -> None:
    """Raise SettingsError where a new task cannot have this name.

    asked: digest of the import; the folder that an earlier try of the same import left is its own.
    """
    if not OWN_NAME.fullmatch(name):
        raise SettingsError(
            f"{name[:60]!r} is no name for a task; use 1 to 40 small letters, digits and hyphens, a hyphen not first."
        )
    if name in {folder.name for folder in bundled_folders()}:
        raise SettingsError(f"The task {name!r} comes with Steerscope; import into it, or choose another name.")
    folder = own_tasks() / name
    if folder.exists() and made_by(folder) != asked:
        raise SettingsError(f"There is a task {name!r} already; import into it, or choose another name.")


def made_by(folder: Path) -> str | None:
    """The import that made a task; None where none did, or its file cannot be read."""
    try:
        found = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(found.get(_MADE)) if isinstance(found, dict) and _MADE in found else None


def write_task(name: str, file: str, asked: str, queries: Mapping[str, str]) -> bool:
    """Make the folder of a task with these queries (text by id), none of which has a real answer.

    It is written beside its place and moved there at once. False where the same import left it already.
    Raises TaskFormatError where it cannot be written.
    """
    folder = own_tasks() / name
    if folder.exists():
        return False
    head = {
        "title": name.replace("-", " ").capitalize(),
        "description": f"Generations imported from {file}; there are no real rows.",
        "template": "{query}",
        "response": "text",
        "plural": "texts",
        _MADE: asked,
    }
    # ASCII, so that no character inside a text can be taken for the end of a line.
    rows = [json.dumps({"id": key, "role": "probe", "text": text}) for key, text in queries.items()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
        try:
            (beside / "task.json").write_text(json.dumps(head, indent=2) + "\n", encoding="utf-8")
            (beside / "queries.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
            beside.chmod(0o755)
            beside.rename(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise TaskFormatError(
            f"The task's folder {folder} cannot be written ({error.strerror}); make room or choose another "
            "STEERSCOPE_DATA."
        ) from error
    return True


def remove_task(name: str) -> None:
    """Take back a task that was just made."""
    shutil.rmtree(own_tasks() / name, ignore_errors=True)
