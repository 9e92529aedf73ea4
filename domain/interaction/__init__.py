"""Interactions: what was said with a customer on any channel, and the notes that keep what was learnt."""
