"""What only a cluster needs: pipeline steps, submitting, retraining, preflight."""
