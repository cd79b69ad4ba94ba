"""Shows pictures when their sound is heard."""
