"""What is going on now: windows over departments' topics, and the alerts that they raise. Never a read model."""
