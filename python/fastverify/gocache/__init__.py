"""Go's build cache (GOCACHE)."""
