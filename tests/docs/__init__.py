"""The documentation: what it shows is made by the code, and compared with it."""
