"""What all components have in common: the image a profile replaces, and Kubeflow's description of the step."""

#: Every component names this image; a profile chooses the image of each step (pipelines/profiles.yaml).
DEFAULT_IMAGE = "registry.example.com/entp/cpu:0.1.0"

#: Kubeflow replaces this by a JSON text with the paths of all inputs and outputs.
EXECUTOR_INPUT = "{{$}}"
