"""Fuzz targets: code that reads what strangers made, with random input. `make fuzz` runs them.

Each module with a function `fuzz(data)` is a target for Python; each file in `c` except the driver is one for C.
"""
