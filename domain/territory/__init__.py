"""Territories: which countries are whose to serve, and since when."""
