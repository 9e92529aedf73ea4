"""Apache Kafka of our own: its jars, resolved once by Maven, and its settings."""
