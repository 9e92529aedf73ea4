"""What auditors work from: everything that happened, by customer."""
