"""The statistics behind maps and metrics: answers as vectors, cross-fitting, ellipses, distances, intervals."""
