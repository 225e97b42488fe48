"""What a page says in its header of what the browser will need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit as st

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class ChartHint:
    """ASGI middleware: every HTML page comes with the hint to fetch the charts' library beside it.

    It is by far the largest file of Streamlit's front end, which asks for it once the first chart arrives.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        path = library_path()
        self._hint = None if path is None else (b"link", f"<{path}>; rel=modulepreload".encode())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on, HTML with the hint."""

        async def hinting(message: Message) -> None:
            if message["type"] == "http.response.start" and self._hint is not None:
                headers = list(message.get("headers", ()))
                if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                    message = {**message, "headers": [*headers, self._hint]}
            await send(message)

        await self._app(scope, receive, hinting if scope["type"] == "http" else send)


def library_path() -> str | None:
    """Where the server offers the library, from its root; None where the installed Streamlit names it otherwise."""
    folder = Path(st.__file__).parent / "static"
    found = sorted(folder.glob("static/js/PlotlyChart.*.js"))
    if not found:
        return None
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return "/".join(["", *([base] if base else []), found[0].relative_to(folder).as_posix()])
