"""What ledgers tell, as text for people and as JSON for programs; nothing here reads one."""
