"""`session-reports audit`: is everything that went in accounted for in what came out.

Here the topics are found and read; what is right and wrong `consumer.audit` knows.

    command   the verb: a range, a progress bar, an exit code
    range     from when to when, as it is written on the command line
    snapshot  from where to where each topic is to be read
    reading   the topics, one after the other, into the audit
    table     its verdict, for people and for programs
"""
