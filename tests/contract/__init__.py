"""How Kafka behaves, as far as the pipeline relies on it: one promise, one test, two worlds.

The simulation of `tests.simulation` is worth as much as its Kafka in memory is like the real
one. So every behaviour that the pipeline counts on is a test here, written against the ports
of the pipeline and against what anyone else can do to a Kafka, and it runs twice: on a real
Kafka with our own clients, and on the fake one. Where they differ, the real one is right.

    world       what a test asks of its world, as a Protocol
    real        the real Kafka; each client is a process, which can be killed and frozen
    wire        single requests to the real Kafka, which no client library would repeat
    child, line that process, and the calls that go to and fro
    fake        the fake Kafka, in virtual time, with several seeds
    acts        what members do in most tests

    raw         requests that no client sends on purpose

    test_transactions   all or nothing; what is refused, and what a refusal spoils
    test_visibility     open transactions: end, last stable offset, who ends them
    test_fencing        one producer for each id; commits without an answer
    test_repeats        requests that come again, or when their transaction is over
    test_offsets        committed offsets: metadata, what is under way, operators, expiry
    test_group          cooperative rebalances: who has what, who is told, who may commit
    test_loss           the dead, the frozen and the slow; static members
    test_reading        positions, ends, what is skipped; offsets that are not there
    test_hanging        whose transaction hangs, and how it is ended; orphans
    test_protocol       the new group protocol: what is the same, and what is not
    test_library        the client library without our clients around it
    test_promises       that docs/testing.md tells where each promise is tested

The last but two run on the real Kafka alone; docs/testing.md says what the fake one lacks.
To add a behaviour: write the test on the real Kafka, see it pass there, then on the fake one,
and mend the fake. `pytest tests/contract -m "not kafka"` takes a few seconds.

What only the real world can show, and therefore no test here: that Kafka answers to a commit
or an abort some milliseconds before its markers can be read. It cannot be made to happen at
will; so all tests wait for what they want to see, and the fake lets markers take their time.
"""
