"""Who may do what: as little as the work needs, and nothing that opens the cluster."""

import pytest

from tests.manifests import tree

#: The keys of Kubeflow's artifact store, which its launcher fetches through the API.
ARTIFACT_STORE = "mlpipeline-minio-artifact"
READS = {"get", "list", "watch"}
#: Whoever may use these can become somebody else, or run what they like as anybody of the namespace.
DANGEROUS = {"pods/exec", "pods/attach", "serviceaccounts/token", "roles", "rolebindings", "clusterroles"}
DANGEROUS |= {"clusterrolebindings", "nodes/proxy"}
ROLES = ("Role", "ClusterRole")


def rules(*kinds: str) -> list[tuple[str, tree.Json]]:
    return [(tree.label(role), rule) for role in tree.of_kind(tree.everything(), *kinds) for rule in role["rules"]]


def granted(account: str) -> set[tuple[str, str, str]]:
    """(group, resource, verb) of everything an account is given in the GPU overlay."""
    resources = tree.full()
    given = set()
    for binding in tree.of_kind(resources, "RoleBinding", "ClusterRoleBinding"):
        if account not in [subject["name"] for subject in binding["subjects"]]:
            continue
        for rule in tree.named(resources, binding["roleRef"]["kind"], binding["roleRef"]["name"])["rules"]:
            given |= {
                (group, resource, verb)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
    return given


def test_no_rule_has_a_wildcard():
    for role, rule in rules(*ROLES):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], role
        assert "nonResourceURLs" not in rule, role


def test_no_secret_may_be_read_but_the_artifact_stores_keys_by_name():
    secrets = [(role, rule) for role, rule in rules(*ROLES) if "secrets" in rule["resources"]]
    assert {role for role, _ in secrets} == {"Role/entp-pipeline-artifact-store"}
    assert [(rule["resourceNames"], rule["verbs"]) for _, rule in secrets] == [([ARTIFACT_STORE], ["get"])] * len(
        secrets
    )


def test_no_rule_lets_an_account_become_another():
    for role, rule in rules(*ROLES):
        assert not DANGEROUS & set(rule["resources"]), role
        assert not {"impersonate", "escalate", "bind"} & set(rule["verbs"]), role
        assert not ("pods" in rule["resources"] and set(rule["verbs"]) - READS), role


def test_cluster_wide_nothing_may_be_changed():
    for role, rule in rules("ClusterRole"):
        assert set(rule["verbs"]) <= READS, role


@pytest.mark.parametrize("folder", ["overlays/kind", "overlays/gpu", "overlays/gpu-spot"])
def test_every_binding_joins_an_account_and_a_role_of_this_tree(folder: str):
    resources = tree.build(folder)
    accounts = {
        (part["metadata"]["namespace"], part["metadata"]["name"]) for part in tree.of_kind(resources, "ServiceAccount")
    }
    for binding in tree.of_kind(resources, "RoleBinding", "ClusterRoleBinding"):
        assert tree.named(resources, binding["roleRef"]["kind"], binding["roleRef"]["name"])
        assert {(subject["namespace"], subject["name"]) for subject in binding["subjects"]} <= accounts
        assert {subject["kind"] for subject in binding["subjects"]} == {"ServiceAccount"}


def test_steps_may_manage_train_jobs_and_report_to_argo():
    given = granted("entp-pipeline")
    train_jobs = {("trainer.kubeflow.org", "trainjobs", verb) for verb in ("create", "get", "patch", "delete")}
    assert train_jobs <= given
    assert {("kueue.x-k8s.io", "workloads", "list"), ("kueue.x-k8s.io", "workloads", "patch")} <= given
    assert {("argoproj.io", "workflowtaskresults", "create"), ("argoproj.io", "workflowtaskresults", "patch")} <= given
    assert not [entry for entry in given if entry[0] == "pipelines.kubeflow.org"]


def test_the_retraining_job_may_use_kubeflow_pipelines_and_change_nothing_else():
    given = granted("entp-retrain")
    changes = {entry for entry in given if entry[2] not in READS}
    asked = {("runs", "create"), ("runs", "terminate"), ("experiments", "create")}
    asked |= {("pipelines", "create"), ("pipelineversions", "create")}
    assert changes == {("pipelines.kubeflow.org", resource, verb) for resource, verb in asked}
    for resource in ("runs", "experiments", "jobs", "pipelines", "pipelineversions"):
        assert ("pipelines.kubeflow.org", resource, "list") in given


def test_only_pipeline_steps_get_a_token_unasked():
    accounts = tree.of_kind(tree.full(), "ServiceAccount")
    mounted = {part["metadata"]["name"]: part["automountServiceAccountToken"] for part in accounts}
    assert mounted == {"entp-pipeline": True, "entp-retrain": False, "mlflow": False, "object-store": False}
