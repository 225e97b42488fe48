"""Students and scorers: what a model learns from a run's answers, judged on held-out real rows."""
