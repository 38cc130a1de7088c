"""From a profile to a task: image, resources, node pool, volumes, limits, and what its pod must know."""

from kfp import kubernetes
from kfp.dsl import PipelineTask

from entp.platform.profiles import Profile, Work

USER = 10001
#: Volume -> claim and where it is mounted.
CLAIMS = {"cache": ("entp-cache", "/cache"), "models": ("entp-models", "/models")}
VARIABLES = {
    "cache": {"ENTP_CACHE_DIR": "/cache"},
    "models": {"HF_HOME": "/models/huggingface", "ENTP_MODEL_CACHE": "/models/entp"},
}
SETTINGS = ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "ENTP_DVC_REMOTE")
OBJECT_STORE_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
#: The pod label in which Kubeflow Pipelines keeps the run's id.
RUN_LABEL = "metadata.labels['pipeline/runid']"


def place(task: PipelineTask, step: str, profile: Profile) -> PipelineTask:
    """Give `task` what the profile says of `step`."""
    work = profile.of(step)
    task.set_display_name(step)
    task.set_container_image(profile.images[work.image])
    _resources(task, work)
    _pod(task, work)
    _environment(task)
    if work.retries:
        task.set_retry(num_retries=work.retries, backoff_duration="30s", backoff_factor=2, backoff_max_duration="600s")
    kubernetes.set_timeout(task, seconds=work.timeout_minutes * 60)
    return task


def _resources(task: PipelineTask, work: Work) -> None:
    task.set_cpu_request(work.cpu).set_cpu_limit(work.cpu)
    task.set_memory_request(work.memory).set_memory_limit(work.memory)
    if work.gpus:
        task.set_accelerator_type(work.accelerator or "nvidia.com/gpu").set_accelerator_limit(work.gpus)
    for key, value in work.node_selector.items():
        kubernetes.add_node_selector(task, label_key=key, label_value=value)
    for toleration in work.tolerations:
        kubernetes.add_toleration(task, toleration.key, toleration.operator, toleration.value or "", toleration.effect)


def _pod(task: PipelineTask, work: Work) -> None:
    kubernetes.set_security_context(task, run_as_user=USER, run_as_group=0, run_as_non_root=True)
    kubernetes.empty_dir_mount(task, volume_name="scratch", mount_path="/tmp")
    if work.shm:
        kubernetes.empty_dir_mount(task, "shared-memory", "/dev/shm", medium="Memory", size_limit=work.shm)
    for volume in work.volumes:
        claim, path = CLAIMS[volume]
        kubernetes.mount_pvc(task, pvc_name=claim, mount_path=path)
        for name, value in VARIABLES[volume].items():
            task.set_env_variable(name, value)


def _environment(task: PipelineTask) -> None:
    kubernetes.use_field_path_as_env(task, env_name="ENTP_PIPELINE_RUN_ID", field_path=RUN_LABEL)
    kubernetes.use_field_path_as_env(task, env_name="ENTP_NAMESPACE", field_path="metadata.namespace")
    kubernetes.use_config_map_as_env(task, "entp-settings", {name: name for name in SETTINGS}, optional=True)
    kubernetes.use_secret_as_env(task, "entp-object-store", {name: name for name in OBJECT_STORE_KEYS}, optional=True)
    kubernetes.use_secret_as_env(task, "entp-llm", {"OPENAI_API_KEY": "OPENAI_API_KEY"}, optional=True)
