"""What the daemon tells of itself: metrics, liveness and readiness, logs.

`metrics` declares every metric and observes the pipeline, `health` holds the heartbeat and
the readiness, `http` serves both, `logs` sets up structlog, `redaction` keeps secrets out
of whatever is written. The room is handed plain values and knows neither Kafka nor the
pipeline.
"""
