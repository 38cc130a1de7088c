"""The training set: accepted fusions blended with HQ samples, split by cluster, with a dataset card."""
