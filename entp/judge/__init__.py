"""Asking a model for an opinion of texts: their fence, the prompt, the request, and what its reply says.

A prompt's file stays with the room whose question it is (`<room>/prompts/`). Panels of judges, their calibration and a
section `judge` of the configuration will have their place here.
"""
