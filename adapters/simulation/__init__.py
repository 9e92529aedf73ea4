"""A fictitious company's year, made up from a seed: for `relato demo`, `relato simulate`, benchmarks and tests."""
