"""One button that copies the address of this view: page, task, pair and settings all stand in it."""

from __future__ import annotations

import streamlit as st

# The address is read at the click: settings change it without a run of the whole script.
_HTML = """
<button type="button">
  <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor"
       stroke-width="2" stroke-linecap="round">
    <path d="M10 8H7a4 4 0 0 0 0 8h3M14 8h3a4 4 0 0 1 0 8h-3M9 12h6"/>
  </svg>
  <span>Copy link to this view</span>
</button>
"""

# Colours, font and radius are the theme's.
_CSS = """
button {
  display: flex; align-items: center; justify-content: center; gap: .5rem; box-sizing: border-box;
  width: 100%; min-height: 2.5rem; padding: .25rem .75rem; cursor: pointer;
  font-family: var(--st-font); font-size: .875rem; line-height: 1.6; color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
"""

_JS = """
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  const words = button.querySelector("span");
  const usual = "Copy link to this view";
  let timer = null;
  button.onclick = async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(window.location.href);
    } catch {
      // Without https there is no clipboard API; the old way still works.
      const field = document.createElement("textarea");
      field.value = window.location.href;
      document.body.append(field);
      field.select();
      copied = document.execCommand("copy");
      field.remove();
    }
    words.textContent = copied ? "Link copied" : "Copy the address bar";
    clearTimeout(timer);
    timer = setTimeout(() => { words.textContent = usual; }, 1500);
  };
  return () => clearTimeout(timer);
}
"""

_copy_link = st.components.v2.component("steerscope.copy_link", html=_HTML, css=_CSS, js=_JS)


def copy_link() -> None:
    """Draw the button."""
    _copy_link(key="copy-link", height=42)
