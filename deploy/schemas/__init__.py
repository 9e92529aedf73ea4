"""What travels, described for those who read it: JSON Schema of every fact, AsyncAPI of the topics."""
