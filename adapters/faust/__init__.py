"""Faust as the windows' worker."""
