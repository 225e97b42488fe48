"""What the metrics are made of: corpora cut to equal size, wording, known words, fidelity, perplexity."""
