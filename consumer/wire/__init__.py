"""Bytes to values and back: every format that crosses Kafka has its file here.

Pure: no clock, no log, no client. What comes in is judged value by value and never raises
(`callback.decode`); what goes out is built from parts that are already known to be good.
"""
