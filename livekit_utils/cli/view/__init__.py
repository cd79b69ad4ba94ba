"""Tables, pictures, meters and progress bars."""
