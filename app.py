"""The dashboard's entry: the server, and the script that it runs at every visit and touch."""

from __future__ import annotations

if __name__ == "__main__":
    from core.errors import SteerscopeError
    from pages.shared.engine import keep_worker
    from pages.shared.frame import sidebar
    from pages.shared.navigation import open_page
    from pages.shared.states import failed

    page = open_page()
    try:
        sidebar()
        page.run()
        # Last: a worker that starts wants the cores that the first picture wants.
        keep_worker()
    except SteerscopeError as error:
        failed("This page cannot be shown", str(error), height=None)
else:
    import streamlit as st
    from starlette.middleware import Middleware

    from pages.serving.ahead import lifespan
    from pages.serving.hints import ChartHint

    # `streamlit run` imports this file, and serves `app`, whose script is this file again.
    app = st.App(__file__, lifespan=lifespan, middleware=[Middleware(ChartHint)])
