"""What streams through Apache Kafka, and a broker of our own."""
