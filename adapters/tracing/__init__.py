"""Traces: a request, its append, its publishing and its folds, under one id."""
