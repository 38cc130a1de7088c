"""One Kubeflow Pipelines component per step: a container, what goes in and what comes out."""
