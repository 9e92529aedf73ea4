"""What marketing works from: who the customers are, what they buy, and what prospects need."""
