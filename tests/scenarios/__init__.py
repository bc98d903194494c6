"""Stories of some length on a Kafka of their own, told as they happen: `make` runs them."""
