"""What the stage `mix` will take, told from a pilot of a few pairs before it runs, and set against what it took."""
