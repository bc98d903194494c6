"""A second opinion on every output, from code that shares nothing with `consumer/`.

Written from the contract alone, as simply as possible: plain dicts, the standard
library's json, one loop over the records of a partition. It may be slow; it must be
obviously right. No module in here imports `consumer`, so a mistake there cannot agree
with itself.

    record    a record of any topic
    jsontext  JSON with its spelling: items verbatim, and when two are equal
    values    what kind of input record some bytes are
    memory    what a txid takes of the memory that is limited
    model     one input partition: its reports, dead letters and metrics, to the millisecond
    outputs   reports, dead letters and metrics records as read from their topics
    compare   differences between two values, in words
    verify    outputs against inputs: `exact` by the model, `live` where the wall clock
              decided when things closed
    topics    reads a whole topic
"""
