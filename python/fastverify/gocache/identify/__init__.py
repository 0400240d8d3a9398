"""What an output of the build cache is, read from its bytes."""
