"""go.mod and go.work files: reading them exactly as ``golang.org/x/mod/modfile`` does."""
