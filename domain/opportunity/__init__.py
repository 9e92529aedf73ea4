"""Opportunities: a sale that may come, from prospecting to won or lost."""
