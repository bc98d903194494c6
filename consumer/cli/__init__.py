"""The command line: one verb per file, each a thin layer over the rooms below."""
