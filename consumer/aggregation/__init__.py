"""Pure: records and time in, reports, metrics and state changes out."""
