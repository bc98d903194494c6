"""All talk with Kafka: the only room that imports the client library.

`properties` turns settings into librdkafka configurations, `source` is the group member
that reads the callbacks, `transactions` the producer, `state_reader` reads the state log
back, `offsets` and `topics` ask the cluster questions. Nothing of the library leaves the
room: `faults` is the table that makes an `errors.Fault` of whatever goes wrong.
"""
