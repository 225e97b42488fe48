"""Steerscope's library: steer, see and predict LLM-made synthetic text. It never imports streamlit."""
