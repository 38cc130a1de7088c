"""ENTP: purge the noise out of low-quality instruction data and mix what remains into richer samples."""

__version__ = "0.1.0"
