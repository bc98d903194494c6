"""The command line: one verb per file, each a thin layer over the rooms below.

Only `demo` needs a package: it plays a user of everything else.
"""
