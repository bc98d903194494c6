"""Plays ThingSpace: answers invented requests with callbacks, one per device.

A `Plan` is a pure function of its `Options`: the same seed gives the same bytes on every
Python, and `Plan.requests` tells at any time, without memory, what `Plan.records` sends.
No clock and no Kafka in here: times are logical; who sends the records brings both.

    options   what can be asked for, with its defaults
    request   one request and the answers it gets: the truth to check reports against
    contents  draws requests, IMEIs and items
    hostile   records that must end as dead letters
    plan      puts everything on one timeline, lazily
    totals    sums over a plan's requests
"""
