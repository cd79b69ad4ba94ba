"""The examples of the documented interface, with no more changed than the import.

Where they take a room, an event of one, or a device, a stand-in has the documented name; assertions say what must have
come of it.
"""
