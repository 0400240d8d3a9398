"""How people and programs read what was found: one model, and one file for each format."""
