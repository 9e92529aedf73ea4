"""What partners may see: the orders of the products that they supply."""
