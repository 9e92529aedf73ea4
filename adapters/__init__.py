"""What reaches the outside: PostgreSQL, Kafka, the command line, importers, keys."""
