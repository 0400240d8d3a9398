"""Measuring a build cache in Python."""
