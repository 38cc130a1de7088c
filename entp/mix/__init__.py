"""Mix: fuse pairs of low-quality samples, two into one, under a symbolic loss (METHOD stage 6)."""
