"""Where an imported run comes from: kept beside its settings, never among them, since only settings are sliders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.storage.records import NewRun

_FILE, _DIGEST, _KEY, _IMPORT, _CONTEXT = "imported from", "file sha256", "run key", "import", "answers share"


@dataclass(frozen=True)
class Origin:
    """file, digest: name and sha256 of the file; key: what the file calls the run; asked: digest of the file and of
    how it was read, equal where an import is asked for again; context: the column of the contexts that its
    answers share, None where they are independent of one another.
    """

    file: str
    digest: str
    key: str
    asked: str
    context: str | None

    def as_versions(self) -> dict[str, str]:
        """As the store keeps it, among the versions of what made the run."""
        told = {_FILE: self.file, _DIGEST: self.digest, _KEY: self.key, _IMPORT: self.asked}
        return told if self.context is None else told | {_CONTEXT: self.context}

    @classmethod
    def of(cls, run: NewRun) -> Origin | None:
        """The origin of a run; None where it was not imported."""
        return cls.from_versions(run.versions) if run.kind == "imported" else None

    @classmethod
    def from_versions(cls, versions: Mapping[str, str]) -> Origin:
        """The origin that the store kept; words that are missing are empty."""
        file, digest, key, asked = (versions.get(name, "") for name in (_FILE, _DIGEST, _KEY, _IMPORT))
        return cls(file, digest, key, asked, versions.get(_CONTEXT))
