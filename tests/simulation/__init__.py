"""Seeded simulation: whole groups of real pipelines on a Kafka in memory, on one thread.

Nothing of `consumer/pipeline` and below is replaced but its ports: Kafka, the clock, the names
of new histories, and the thread beside the loop. Time is virtual, and everything that is drawn
comes from the seed, so a run can be had again to the last event. See docs/testing.md.

    world                               virtual time, processes, the trace
    network                             requests that are late, lost, or unanswered
    log, coordinator, group, broker     the Kafka; `broker.Kafka` is what tests hold
    client, membership, source, producer, questions     the four ports of one member
    scenario, workload, faults          what a seed stands for
    member, crew, surroundings, run     members in a scenario, and who looks after them
    statelog, checker, beginnings, claims, quiet, verdict     what must never be; none of it imports
                                        `consumer`
    planted                             bugs to be found
    reach                               which rare paths a run went
    many, shrink, __main__              many seeds; a failing one, made small; the command line
"""
