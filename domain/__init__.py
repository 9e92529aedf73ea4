"""What a company may do with its customers, and what is remembered of it: pure, without I/O, clock or chance."""
