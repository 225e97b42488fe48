"""Under the queue: claims, turns and what a handler of jobs gets to see."""
