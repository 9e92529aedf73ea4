"""Partners: suppliers and distributors."""
