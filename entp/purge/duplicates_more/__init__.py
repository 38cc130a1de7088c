"""Further ways to find what a pool says more than once; each is a function on texts or arrays, off unless asked for."""
