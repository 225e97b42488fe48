"""Under the command line: options, documents, progress and printing."""
