"""Everything that can be known of one module version, for a person who asks what became of it."""
