"""The agent's own file: its shape, what it means, and reading it with all its mistakes at once."""
