"""The Kubeflow Pipelines components: containers, what goes into each and what comes out.

Those of the stages are made from `entp/stages.py`; every container runs `entp step ...`.
"""
