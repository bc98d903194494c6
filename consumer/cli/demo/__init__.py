"""`session-reports demo`: the newcomer's first minute, on a real Kafka, with nothing installed.

The demo stands outside: its members are processes as a user would start them, and all that
it shows and judges it reads from Kafka, so a member that is dead or lies cannot spoil it.

    command   the verb: a Kafka, a way to show it, an exit code
    scaled    settings and requests, in times of seconds
    play      the story, in its order: start, kill, restart, end
    member    one process of the daemon
    traffic   ThingSpace, played in the background
    watch     what Kafka says now: the records read so far, the group, the rates
    group     members, committed offsets, end offsets
    outputs   the topics read, as they fill and from the beginning
    ledger    which txids are open, which reports are there
    scene     what is to be seen at one moment, as plain values
    view      a scene on a terminal
    lines     the same without one
    account   the sums that are compared
    verdict   whether what came out is what was sent
    closing   the verdict for a reader
"""
