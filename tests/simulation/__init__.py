"""Seeded simulation: whole groups of real pipelines on a Kafka in memory, on one thread.

Nothing of `consumer/pipeline` and below is replaced but its ports: Kafka, the clock, the names
of new histories, and the thread beside the loop. Time is virtual, and everything that is drawn
comes from the seed, so a run can be had again to the last event. See docs/testing.md.

    world        virtual time, processes, the trace
    network      requests that are late, lost, or unanswered
    log, coordinator, group, broker     the Kafka; `broker.Kafka` is what tests hold
    client, source, producer, questions the four ports of one member
    settings, workload, faults, scenario    what a seed stands for
    member, crew, run   processes and pipelines in a scenario, and those who upset them
    statelog, checker   what must never be: none of it imports `consumer`
    shrink, __main__    a failing seed, made small; the command line
"""
