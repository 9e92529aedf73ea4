"""The row filters of agreements."""
