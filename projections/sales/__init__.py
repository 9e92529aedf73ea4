"""What sales works from: the pipeline, the orders, and the contracts that run out."""
