"""The Helm chart: Helm itself renders and lints it, and every object has the shape that Kubernetes asks for.

No cluster is needed, so whether the objects work together is not tested here.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.engine.vllm import vllm_arguments
from server.fleet.arguments import check_arguments
from server.fleet.door import READY
from server.fleet.plugin import GuardPlugin
from server.settings import Settings
from tests.paths import ROOT

helm = pytest.importorskip("helm_python", reason="Helm's library for Python is not installed: requirements/dev.txt")
validate = pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas are not installed: requirements/dev.txt")

CHART = ROOT / "deploy" / "helm" / "guard-server"
LEAST: dict[str, Any] = {
    "model": {"name": "demo"},
    "secrets": {"database": {"secret": "store"}, "engineToken": {"secret": "token"}, "adminKey": {"secret": "admin"}},
}
ALL: dict[str, Any] = {
    "imagePullSecrets": [{"name": "registry"}],
    "model": {"name": "demo", "source": "/model/llama", "claim": "models", "hubToken": {"secret": "hub"}},
    "secrets": {
        **LEAST["secrets"],
        "engineKey": {"secret": "engine"},
        "auditKey": {"secret": "audit"},
        "policy": {"secret": "policy"},
    },
    "frontend": {
        "settings": {"GUARD_JUDGE": "model", "GUARD_MULTILINGUAL": False, "GUARD_MAX_QUEUED": 1000},
        "tls": {"secret": "certificate"},
        "service": {"type": "LoadBalancer", "annotations": {"a.example/b": "c"}},
        "autoscaling": {"enabled": True},
        "podAnnotations": {"a.example/b": "c"},
        "nodeSelector": {"pool": "cpu"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
    },
    "engine": {
        "args": ["--max-model-len", 8192, "--data-parallel-size=2"],
        "env": {"VLLM_LOGGING_LEVEL": "WARNING"},
        "podAnnotations": {"a.example/b": "c"},
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    },
    "router": {"replicas": 2, "policy": "consistent_hash", "args": ["--log-level=warning"]},
    "networkPolicy": {"clients": [{"namespaceSelector": {"matchLabels": {"team": "apps"}}}]},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "auditorKey": {"secret": "auditor"}},
}
OFF: dict[str, Any] = {
    **LEAST,
    "frontend": {"disruptionBudget": {"enabled": False}},
    "engine": {"disruptionBudget": {"enabled": False}},
    "networkPolicy": {"enabled": False},
    "serviceMonitor": {"enabled": True},
    "migration": {"enabled": False},
}
FORMS = {"least": LEAST, "all": ALL, "off": OFF}
KUBERNETES = ("1.27", "1.32", "1.37")


def rendered(values: dict[str, Any], release: str = "fleet") -> list[dict[str, Any]]:
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        files = chart.render(values, name=release, namespace="prod")
    return [found for name, text in files.items() if name.endswith(".yaml") for found in yaml.safe_load_all(text) if found]


def one(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the specifications of all pods, by their object's name."""
    for each in objects:
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
        elif each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    listed = [(each["name"], each.get("value")) for each in pod["containers"][0]["env"]]
    assert len(dict(listed)) == len(listed), "a variable is set twice"
    return dict(listed)


@pytest.mark.parametrize("form", FORMS)
def test_helm_lints_it(form: str) -> None:
    found = helm.lint(CHART, FORMS[form], strict=True)
    assert found["total_charts_linted"] == 1
    assert [told for told in found["messages"] if "icon is recommended" not in told["error"]] == []
    assert found["errors"] == []


@pytest.mark.slow
@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("form", FORMS)
def test_every_object_is_what_kubernetes_asks_for(form: str, version: str) -> None:
    objects = rendered(FORMS[form])
    assert objects
    for each in objects:
        if each["apiVersion"].startswith("monitoring.coreos.com/"):
            continue
        validate.validate(each, version, strict=True)
        # A key that Kubernetes does not know would be found.
        with pytest.raises(validate.ValidationError):
            validate.validate(each | {"sepc": {}}, version, strict=True)


@pytest.mark.parametrize("form", FORMS)
def test_names_are_unique_and_selectors_pick_the_pods_that_they_mean(form: str) -> None:
    objects = rendered(FORMS[form])
    named = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(set(named)) == len(named)
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in objects
        if each["kind"] == "Deployment"
    }

    def picked(selector: dict[str, str]) -> set[str]:
        return {name for name, own in labels.items() if selector.items() <= own.items()}

    assert labels.keys() == {"fleet-guard-server", "fleet-guard-server-engine", "fleet-guard-server-router"}
    for each in objects:
        name = each["metadata"]["name"]
        if each["kind"] == "Service":
            assert picked(each["spec"]["selector"]) == {name.removesuffix("-fleet")}
        elif each["kind"] in ("Deployment", "PodDisruptionBudget"):
            assert picked(each["spec"]["selector"]["matchLabels"]) == {name}
        elif each["kind"] == "NetworkPolicy":
            assert picked(each["spec"]["podSelector"]["matchLabels"]) == {name}


@pytest.mark.parametrize("form", FORMS)
def test_every_pod_runs_as_a_user_without_rights_on_a_file_system_to_read(form: str) -> None:
    found = dict(pods(rendered(FORMS[form])))
    assert {
        "fleet-guard-server",
        "fleet-guard-server-engine",
        "fleet-guard-server-router",
        "fleet-guard-server-proof",
    } <= found.keys()
    for name, pod in found.items():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert ("serviceAccountName" in pod) == name.endswith("-router")
        assert pod.get("automountServiceAccountToken") is (None if name.endswith("-router") else False)
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod["volumes"]}


def test_no_secret_is_in_an_object() -> None:
    assert not [each for each in rendered(ALL) if each["kind"] in ("Secret", "ConfigMap")]
    front = dict(pods(rendered(ALL)))["fleet-guard-server"]
    (database,) = [each for each in front["containers"][0]["env"] if each["name"] == "GUARD_DATABASE"]
    assert database["valueFrom"] == {"secretKeyRef": {"name": "store", "key": "url"}}


def test_every_setting_of_a_front_end_exists_and_every_file_that_it_names_is_mounted() -> None:
    for name, pod in pods(rendered(ALL)):
        if name.endswith(("-engine", "-router")):
            continue
        told = environment(pod)
        own = {variable.removeprefix("GUARD_").lower() for variable in told if variable.startswith("GUARD_")}
        assert own <= Settings.model_fields.keys()
        (container,) = pod["containers"]
        files = {str(value) for value in told.values() if str(value).startswith("/etc/guard/")}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = set()
        for mount in container["volumeMounts"]:
            volume = volumes[mount["name"]]
            for source in volume.get("projected", {}).get("sources", []):
                mounted |= {f"{mount['mountPath']}/{item['path']}" for item in source["secret"]["items"]}
            if mount["name"] == "tls":
                mounted |= {f"{mount['mountPath']}/tls.crt", f"{mount['mountPath']}/tls.key"}
        assert files <= mounted


def test_engines_carry_the_guard_and_no_argument_comes_in_its_place() -> None:
    engine = dict(pods(rendered(ALL)))["fleet-guard-server-engine"]["containers"][0]
    arguments = engine["args"]
    assert engine["command"] == ["python3", "-m", "vllm.entrypoints.openai.api_server"]
    # Arguments of the operator's come first: of an option that is given twice, vLLM takes the last.
    assert arguments[:3] == ["--max-model-len", "8192", "--data-parallel-size=2"]
    given = dict(argument.removeprefix("--").split("=", 1) for argument in arguments[3:])
    own = vllm_arguments(Settings(model="m", data_dir=Path("/var/lib/guard")))
    for name in ("logits-processors", "worker-extension-cls", "logprobs-mode"):
        assert given[name] == own[own.index(f"--{name}") + 1]
    assert json.loads(given["additional-config"]) == {"guard": {"folder": "/var/lib/guard/restrictions"}}
    assert given["api-server-count"] == "1"
    told = {each["name"]: each.get("value") for each in engine["env"]}
    assert GuardPlugin.name == told["VLLM_PLUGINS"]
    # TLS: engines check the front ends' certificate, under the name that they ask for.
    assert told["GUARD_SERVER_URL"] == "https://fleet-guard-server-fleet:8000"
    assert told["GUARD_SERVER_CA"] == "/etc/guard/tls/ca.crt"
    assert engine["readinessProbe"]["httpGet"]["path"] == READY


@pytest.mark.slow
def test_vllm_takes_the_arguments_of_an_engine() -> None:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    arguments = dict(pods(rendered(ALL)))["fleet-guard-server-engine"]["containers"][0]["args"]
    parsed = make_arg_parser(FlexibleArgumentParser(prog="vllm")).parse_args(arguments)
    assert (parsed.model, parsed.served_model_name, parsed.max_model_len) == ("/model/llama", ["demo"], 8192)
    assert parsed.additional_config == {"guard": {"folder": "/var/lib/guard/restrictions"}}
    assert (parsed.data_parallel_size, parsed.api_server_count, parsed.port) == (2, 1, 8000)
    assert check_arguments(parsed) == Path("/var/lib/guard/restrictions")


def test_engines_can_reach_a_front_end_that_waits_for_them() -> None:
    fleet = one(rendered(LEAST), "Service", "fleet-guard-server-fleet")
    assert fleet["spec"]["publishNotReadyAddresses"] is True
    assert "publishNotReadyAddresses" not in one(rendered(LEAST), "Service", "fleet-guard-server")["spec"]


def test_only_router_and_front_ends_reach_engines() -> None:
    engine = one(rendered(LEAST), "NetworkPolicy", "fleet-guard-server-engine")["spec"]
    assert engine["policyTypes"] == ["Ingress"]
    (rule,) = engine["ingress"]
    assert rule["ports"] == [{"port": 8000}]
    components = [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]]
    assert sorted(components) == ["frontend", "router"]
    assert all(peer.keys() == {"podSelector"} for peer in rule["from"])
    (rule,) = one(rendered(LEAST), "NetworkPolicy", "fleet-guard-server-router")["spec"]["ingress"]
    components = [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]]
    assert sorted(components) == ["frontend", "proof"]


def test_clients_can_be_limited_and_engines_are_still_let_in() -> None:
    assert not [
        each for each in rendered(LEAST) if (each["kind"], each["metadata"]["name"]) == ("NetworkPolicy", "fleet-guard-server")
    ]
    (rule,) = one(rendered(ALL), "NetworkPolicy", "fleet-guard-server")["spec"]["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "engine"
    assert rule["from"][1:] == ALL["networkPolicy"]["clients"]


def test_the_router_finds_the_engines_and_asks_whether_they_are_in_service() -> None:
    objects = rendered(LEAST)
    arguments = dict(pods(objects))["fleet-guard-server-router"]["containers"][0]["args"]
    assert "--health-check-endpoint=/guard/ready" in arguments
    assert "--service-discovery-namespace=prod" in arguments
    selector = dict(word.split("=") for word in arguments[arguments.index("--selector") + 1 :])
    engine = one(objects, "Deployment", "fleet-guard-server-engine")["spec"]["template"]["metadata"]["labels"]
    assert selector.items() <= engine.items()
    assert one(objects, "Role", "fleet-guard-server-router")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    ]
    told = environment(dict(pods(objects))["fleet-guard-server"])
    assert told["GUARD_UPSTREAM"] == "http://fleet-guard-server-router:8000"


def test_hooks_migrate_before_and_prove_on_demand() -> None:
    objects = rendered(LEAST)
    migration = one(objects, "Job", "fleet-guard-server-migration")
    assert migration["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert migration["spec"]["template"]["spec"]["containers"][0]["command"] == ["guard-server", "migrate"]
    proof = one(objects, "Pod", "fleet-guard-server-proof")
    assert proof["metadata"]["annotations"]["helm.sh/hook"] == "test"
    front = dict(pods(objects))["fleet-guard-server"]
    # It starts as a front end does.
    assert environment(proof["spec"]).items() <= environment(front).items()


def test_what_is_scraped() -> None:
    assert not [each for each in rendered(LEAST) if each["kind"] == "ServiceMonitor"]
    (endpoint,) = one(rendered(ALL), "ServiceMonitor", "fleet-guard-server")["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "auditor", "key": "token"}
    assert (endpoint["scheme"], endpoint["tlsConfig"]["serverName"]) == ("https", "fleet-guard-server-fleet")
    assert "GUARD_METRICS_OPEN" not in environment(dict(pods(rendered(ALL)))["fleet-guard-server"])
    assert environment(dict(pods(rendered(OFF)))["fleet-guard-server"])["GUARD_METRICS_OPEN"] == "true"


def test_what_is_switched_off_is_not_there() -> None:
    kinds = {each["kind"] for each in rendered(OFF)}
    assert not kinds & {"NetworkPolicy", "PodDisruptionBudget", "Job", "HorizontalPodAutoscaler"}
    assert "replicas" in one(rendered(OFF), "Deployment", "fleet-guard-server")["spec"]
    assert "replicas" not in one(rendered(ALL), "Deployment", "fleet-guard-server")["spec"]
    assert one(rendered(ALL), "HorizontalPodAutoscaler", "fleet-guard-server")["spec"]["minReplicas"] == 2


def test_a_release_named_like_the_chart_has_short_names_and_a_long_one_is_cut() -> None:
    assert one(rendered(LEAST, "guard-server"), "Deployment", "guard-server")
    for each in rendered(LEAST, "r" * 53):
        assert len(each["metadata"]["name"]) <= 63


def with_value(path: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(LEAST)
    at = values
    *parents, last = path.split(".")
    for parent in parents:
        at = at.setdefault(parent, {})
    at[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.name", ""),
        ("secrets.database.secret", ""),
        ("secrets.engineToken.secret", ""),
        ("secrets.adminKey.secret", ""),
        ("frontend.replicas", 0),
        ("frontend.replicaCount", 2),
        ("frontend.settings", {"GUARD_UPSTREAM": "http://elsewhere"}),
        ("frontend.settings", {"PATH": "/tmp"}),
        ("engine.env", {"VLLM_PLUGINS": ""}),
        ("engine.args", ["--logits-processors=x:Y"]),
        ("engine.args", ["--logits_processors", "x:Y"]),
        ("engine.args", ["--additional-config.guard.alone=true"]),
        ("engine.args", ["--worker-cls=x.Y"]),
        ("engine.args", ["--data-parallel-external-lb"]),
        ("router.policy", "none"),
        ("router.metricsPort", 80),
        ("engine.sharedMemory", "lots"),
        ("unknown", 1),
    ],
)
def test_the_schema_refuses(path: str, value: Any) -> None:
    with pytest.raises(helm.HelmError):
        rendered(with_value(path, value))


def test_the_values_that_the_documentation_shows() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "deploying.md").read_text("utf-8"), re.DOTALL)
    engine = one(rendered(yaml.safe_load(shown)), "Deployment", "fleet-guard-server-engine")
    (container,) = engine["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/guard-server:gpu"
    assert container["args"][:3] == ["--max-model-len", "8192", "--model=/model"]


def test_a_secret_must_be_named() -> None:
    with pytest.raises(helm.HelmError):
        rendered({})


def test_every_value_is_described_by_the_schema_and_is_used() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    templates = "".join(path.read_text("utf-8") for path in sorted((CHART / "templates").rglob("*.*")))

    def walk(value: dict[str, Any], described: dict[str, Any], path: tuple[str, ...]) -> None:
        for name, inner in value.items():
            assert name in described["properties"], ".".join((*path, name))
            assert re.search(rf"\.{name}\b", templates), ".".join((*path, name))
            if isinstance(inner, dict) and "properties" in described["properties"][name] and name != "resources":
                walk(inner, described["properties"][name], (*path, name))

    walk(values, schema, ())


def test_the_files_are_tidy_yaml() -> None:
    linter = pytest.importorskip("yamllint.linter", reason="yamllint is not installed: requirements/dev.txt")
    rules = {
        "line-length": {"max": 140},
        "document-start": "disable",
        "braces": {"max-spaces-inside": 0},
        "comments": {"min-spaces-from-content": 1},
    }
    config = pytest.importorskip("yamllint.config").YamlLintConfig(yaml.safe_dump({"extends": "default", "rules": rules}))
    files = [*(ROOT / "deploy").glob("*.yaml"), CHART / "values.yaml", CHART / "Chart.yaml"]
    assert len(files) >= 4
    found = {path.name: [str(problem) for problem in linter.run(path.read_text("utf-8"), config)] for path in files}
    assert not any(found.values()), found
