"""``vendor`` folders: copies of module files beside a project, which the go command never verifies."""
