"""How much of each source to take: weights from sizes, from how hard text is to foresee, or from a proxy's training."""
