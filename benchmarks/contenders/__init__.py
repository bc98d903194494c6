"""Who runs: one file each. A contender is a command line; all else is measured from outside.

`protocol` is what the race asks of one, `every` lists them all. `loops` and `session` are what
those written in Python by hand have in common.
"""
