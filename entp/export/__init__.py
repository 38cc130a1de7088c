"""A run's training set, preferences and model for others: in other formats, on a hub, in a bucket."""
