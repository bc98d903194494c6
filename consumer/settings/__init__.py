"""The settings of the daemon: what there is, where values come from, what is wrong.

`model` holds every setting as msgspec structs, `load` fills them (file, environment,
`--set`), `checks` and `advice` judge the result, `effective` and `template` print it.
Everything that must know the list of settings reads it from the structs by `catalogue`,
so a new setting is one field in `model` and nothing else.
"""
