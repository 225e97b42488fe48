"""The dashboard's entry: navigation over the pages, and what every page shares."""

from __future__ import annotations

from core.errors import SteerscopeError
from pages.shared.frame import sidebar
from pages.shared.navigation import open_page
from pages.shared.states import failed

page = open_page()
try:
    sidebar()
    page.run()
except SteerscopeError as error:
    failed("This page cannot be shown", str(error), height=None)
