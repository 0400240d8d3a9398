"""Why the go command did not find in its build cache what it looked for."""
