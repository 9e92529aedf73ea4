"""What flows out of the ledger: to Kafka, to checkpoints, to partners."""
