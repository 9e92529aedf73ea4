"""Figures beside their peers: one module per row of docs/performance.md, each runnable alone (`--quick` for a try)."""
