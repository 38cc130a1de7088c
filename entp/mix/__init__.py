"""Mix: fuse pairs of low-quality samples, two into one, under a symbolic loss (docs/method.md, stage 6)."""
