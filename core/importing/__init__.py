"""Generations made elsewhere: from a file of any model's answers to runs in the store, all of it or nothing."""
