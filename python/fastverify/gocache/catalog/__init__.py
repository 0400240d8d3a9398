"""What is in a build cache, entry by entry, with the names that can be given to it."""
