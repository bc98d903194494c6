"""The command line: one verb per file, each a thin layer over the rooms below.

Two verbs are packages: `demo` plays a user of everything else, `audit` reads every topic.
"""
