"""Benchmarks: ratios against a named reference, measured in one run on the same models, prompts and lengths."""
