"""The loop: poll, decode, aggregate, commit; and the life of a partition around it."""
