"""What an AppTest shows, as a person reads it; every page is asked in the same words."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from pages.shared.plain import JOINER


def again(app: Any) -> AppTest:
    """Run the page again, after what was done to the app or one of its widgets."""
    found: AppTest = app.run()
    assert not found.exception, found.exception
    return found


def plain(markdown: str) -> str:
    return markdown.replace(JOINER, "").replace("\\", "")


def headline(app: AppTest) -> str:
    return next(plain(one.value)[2:] for one in app.markdown if one.value.startswith("# "))


def words(app: AppTest) -> str:
    """Everything that Markdown, captions and messages say."""
    parts = [one.value for group in (app.markdown, app.caption, app.warning, app.error) for one in group]
    return plain("\n".join(parts))


def table(app: AppTest, *columns: str) -> Any:
    """The table that has these columns."""
    return next(one.value for one in app.dataframe if set(columns) <= set(one.value.columns))


def keys(app: AppTest) -> set[str]:
    return {str(button.key) for button in app.button}
