"""Makes the inputs of the tests on the spot: zips, modules, whole module caches, projects."""
