"""livekit-agents on top of this package, without a server."""
