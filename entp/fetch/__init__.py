"""Inputs that lie elsewhere: a dataset of a hub, a bucket, an address. They are copied here, and then read as files."""
