"""The module cache (GOMODCACHE): what it holds, and whether each module version in it is whole."""
