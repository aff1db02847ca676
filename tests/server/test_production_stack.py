"""Engines by the chart of vLLM's production stack: they carry the guard as those of the compose file and of this chart do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from server.fleet.arguments import check_arguments
from server.fleet.door import READY
from tests.paths import ROOT

VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "production-stack.values.yaml").read_text("utf-8"))
ENGINES = VALUES["servingEngineSpec"]
(MODEL,) = ENGINES["modelSpec"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.fleet.yaml").read_text("utf-8"))["services"]["engine-1"]
OWN: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "helm" / "guard-server" / "values.yaml").read_text("utf-8"))

# Fields of that chart, from its values.schema.json; it takes others without a word, and does nothing with them.
KNOWN = {
    "enableEngine", "labels", "extraPorts", "vllmApiKey", "modelSpec",
    "containerPort", "servicePort", "configs", "strategy", "startupProbe",
    "livenessProbe", "readinessProbe", "tolerations", "runtimeClassName", "schedulerName",
    "imagePullPolicy", "securityContext", "containerSecurityContext", "sidecar", "serviceMonitor",
}  # fmt: skip
KNOWN_OF_A_MODEL = {
    "affinity", "annotations", "enableLoRA", "enabled", "env",
    "envFromSecret", "extraVolumeMounts", "extraVolumes", "hf_token", "imagePullSecret",
    "initContainer", "keda", "labels", "limitCPU", "limitMemory",
    "lmcacheConfig", "modelRevision", "modelURL", "name", "nodeName",
    "nodeSelectorTerms", "podAnnotations", "podLabels", "priorityClassName", "pvcAccessMode",
    "pvcLabels", "pvcStorage", "raySpec", "replicaCount", "repository",
    "requestCPU", "requestGPU", "requestGPUType", "requestMemory", "resources",
    "runtimeClassName", "serviceAccountName", "shmSize", "storageClass", "tag",
    "tolerations", "vllmConfig",
}  # fmt: skip
KNOWN_OF_VLLM = {
    "convert", "dtype", "enableChunkedPrefill", "enablePrefixCaching", "extraArgs",
    "gpuMemoryUtilization", "maxLoras", "maxModelLen", "maxNumSeqs", "runner",
    "tensorParallelSize", "v0",
}  # fmt: skip


def environment() -> dict[str, str]:
    return {each["name"]: each["value"] for each in MODEL["env"]}


def arguments() -> list[str]:
    """The arguments of `vllm serve` that the chart makes of these values."""
    config = MODEL["vllmConfig"]
    own = ["--host", "0.0.0.0", "--port", str(ENGINES["containerPort"]), "--enable-prefix-caching"]
    own += ["--max-model-len", str(config["maxModelLen"]), "--tensor-parallel-size", str(config["tensorParallelSize"])]
    return [MODEL["modelURL"], *own, *config["extraArgs"]]


def test_the_chart_has_these_fields() -> None:
    assert VALUES.keys() == {"servingEngineSpec", "routerSpec"}
    assert ENGINES.keys() <= KNOWN
    assert MODEL.keys() <= KNOWN_OF_A_MODEL
    assert MODEL["vllmConfig"].keys() <= KNOWN_OF_VLLM
    assert VALUES["routerSpec"] == {"enableRouter": False}
    # The chart's templates have no default for these.
    assert {"name", "repository", "tag", "modelURL", "replicaCount", "requestCPU", "requestMemory", "requestGPU"} <= MODEL.keys()


def test_its_engines_have_the_arguments_of_the_compose_file_s() -> None:
    # What the chart gives itself, and the model's name, which is whatever the user chooses.
    others = ("--model=", "--host=", "--port=", "--served-model-name=")
    wanted = [argument for argument in COMPOSE["entrypoint"][3:] if not argument.startswith(others)]
    assert [argument for argument in MODEL["vllmConfig"]["extraArgs"] if not argument.startswith(others)] == wanted


def test_its_engines_have_the_environment_of_the_compose_file_s() -> None:
    told, compose = environment(), COMPOSE["environment"]
    # The CPU's memory and cores.
    assert {name for name in compose if not name.startswith("VLLM_CPU_")} == told.keys()
    same = ("HF_HUB_OFFLINE", "VLLM_PLUGINS", "VLLM_USE_V2_MODEL_RUNNER", "VLLM_NO_USAGE_STATS")
    assert {name: told[name] for name in same} == {name: compose[name] for name in same}


@pytest.mark.slow
def test_vllm_and_the_guard_take_the_arguments() -> None:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parsed = make_arg_parser(FlexibleArgumentParser(prog="vllm")).parse_args(arguments())
    assert check_arguments(parsed) == Path("/var/lib/guard/restrictions")
    assert (parsed.model_tag, parsed.served_model_name, parsed.port) == ("/model", ["llama"], 8000)


def test_its_engines_read_and_write_where_they_may() -> None:
    mounts = {mount["mountPath"]: mount for mount in MODEL["extraVolumeMounts"]}
    volumes = {volume["name"]: volume for volume in MODEL["extraVolumes"]}
    assert sorted(mount["name"] for mount in mounts.values()) == sorted(volumes)
    assert ENGINES["containerSecurityContext"]["readOnlyRootFilesystem"] is True
    for path in ("/var/lib/guard", "/var/cache/guard", "/tmp"):
        assert volumes[mounts[path]["name"]]["emptyDir"] == {}
    (item,) = volumes["secrets"]["secret"]["items"]
    assert environment()["GUARD_ENGINE_TOKEN_FILE"] == f"{mounts['/etc/guard/secrets']['mountPath']}/{item['path']}"
    assert item["key"] == OWN["secrets"]["engineToken"]["key"]
    assert ENGINES["vllmApiKey"]["secretKey"] == OWN["secrets"]["engineKey"]["key"]
    assert ENGINES["readinessProbe"]["httpGet"] == {"path": READY, "port": ENGINES["containerPort"]}


def test_this_chart_s_router_and_policies_pick_its_engines() -> None:
    chart = pytest.importorskip("helm_python", reason="Helm's library for Python is not installed: requirements/dev.txt")
    values = {
        "engine": {"replicas": 0},
        "model": {"name": "llama", "claim": "llama"},
        "secrets": {name: {"secret": name.lower()} for name in ("database", "engineToken", "adminKey", "engineKey")},
    }
    with chart.Chart.load(ROOT / "deploy" / "helm" / "guard-server") as loaded:
        loaded.validate_schema(loaded.merge_values(values))
        files = loaded.render(values, name="fleet", namespace="prod")
    objects = [each for name, text in files.items() if name.endswith(".yaml") for each in yaml.safe_load_all(text) if each]
    found = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    deployment = found["Deployment", "fleet-guard-server-engine"]["spec"]
    assert deployment["replicas"] == 0
    assert deployment["selector"]["matchLabels"] == ENGINES["labels"]
    policy = found["NetworkPolicy", "fleet-guard-server-engine"]["spec"]
    assert policy["podSelector"]["matchLabels"] == ENGINES["labels"]
    # That chart calls the port of its engines otherwise.
    assert [each["port"] for each in policy["ingress"][0]["ports"]] == [ENGINES["containerPort"]]
    (router,) = found["Deployment", "fleet-guard-server-router"]["spec"]["template"]["spec"]["containers"]
    assert f"--service-discovery-port={ENGINES['containerPort']}" in router["args"]
    assert environment()["GUARD_SERVER_URL"] == "http://fleet-guard-server-fleet:8000"
    assert ("Service", "fleet-guard-server-fleet") in found
    security = deployment["template"]["spec"]["securityContext"]
    assert ENGINES["securityContext"] == security
    (own,) = deployment["template"]["spec"]["containers"]
    assert own["securityContext"].items() <= ENGINES["containerSecurityContext"].items()
