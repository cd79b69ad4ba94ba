"""What the classes need of asyncio and threads; knows no audio."""
