"""What the figures are made of: marks, layers, labels, colours and how numbers are written."""
