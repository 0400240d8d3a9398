"""The build cache (GOCACHE)."""
