"""From places in perspective space to scores: maps refitted in folds, models, intervals, null, next settings."""
