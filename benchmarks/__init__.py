"""How fast the parts are, each beside a named rival; see README.md."""
