"""What is kept in PostgreSQL, and PostgreSQL itself."""
