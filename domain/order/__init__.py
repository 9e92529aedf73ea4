"""Orders: sales, returns and adjustments, line by line."""
