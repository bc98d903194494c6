"""Conservation, proven or disproven from the topics alone: what goes in comes out, once."""
