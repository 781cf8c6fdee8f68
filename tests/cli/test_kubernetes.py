"""The manifest in examples/kubernetes: its shape, the options in it, and what its parts say of each other.

The schema holds of Kubernetes what the manifest uses; `make manifests` validates it against all of it.
"""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.scale.plan import MOST_IN_A_PROCESS
from tests.cli.test_documented import ROOT, commands

FILE = ROOT / "examples/kubernetes/load.yaml"
TEXT, COUNT, NAME = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[a-z0-9-]+$"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def fields(*required: str, **known: Any) -> dict[str, Any]:
    """An object of these fields alone."""
    return {"type": "object", "properties": known, "required": list(required), "additionalProperties": False}


def listed(item: Any) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": item}


CONTAINER = fields(
    *("name", "image", "args", "resources"),
    name=NAME,
    image=TEXT,
    args=listed(TEXT),
    ports=listed(fields("containerPort", name=NAME, containerPort=COUNT)),
    resources=fields("requests", requests=TEXTS, limits=TEXTS),
    volumeMounts=listed(fields("name", "mountPath", name=NAME, mountPath=TEXT)),
)
VOLUME = fields(
    "name",
    name=NAME,
    configMap=fields("name", name=NAME),
    persistentVolumeClaim=fields("claimName", claimName=NAME),
    emptyDir=fields(),
)
POD = fields(
    *("restartPolicy", "containers"),
    restartPolicy={"enum": ["Never", "OnFailure"]},  # a Job's pods know no other
    securityContext=fields(
        runAsNonRoot={"type": "boolean"},
        runAsUser=COUNT,
        fsGroup=COUNT,
        sysctls=listed(fields("name", "value", name=TEXT, value=TEXT)),
    ),
    topologySpreadConstraints=listed(
        fields(
            *("maxSkew", "topologyKey", "whenUnsatisfiable"),
            maxSkew=COUNT,
            topologyKey=TEXT,
            whenUnsatisfiable={"enum": ["DoNotSchedule", "ScheduleAnyway"]},
            labelSelector=fields(matchLabels=TEXTS),
        )
    ),
    containers=listed(CONTAINER),
    volumes=listed(VOLUME),
)
JOB = fields(
    "template",
    completions=COUNT,
    parallelism=COUNT,
    backoffLimit=COUNT,
    completionMode={"enum": ["Indexed", "NonIndexed"]},
    template=fields("spec", metadata=fields(labels=TEXTS), spec=POD),
)
SPECS = {
    ("v1", "ConfigMap"): {"data": TEXTS},
    ("v1", "Service"): {
        "spec": fields(
            *("selector", "ports"),
            selector=TEXTS,
            ports=listed(fields("port", name=NAME, port=COUNT, targetPort={"type": ["string", "integer"]})),
        )
    },
    ("v1", "PersistentVolumeClaim"): {
        "spec": fields(
            *("accessModes", "resources"),
            accessModes=listed({"enum": ["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]}),
            resources=fields("requests", requests=TEXTS),
        )
    },
    ("batch/v1", "Job"): {"spec": JOB},
}


@pytest.fixture(scope="module")
def manifest() -> dict[tuple[str, str], Any]:
    return {(one["kind"], one["metadata"]["name"]): one for one in YAML(typ="safe").load_all(FILE.read_text("utf-8"))}


def pod(manifest: dict[tuple[str, str], Any], name: str) -> Any:
    return manifest["Job", name]["spec"]["template"]["spec"]


def options(manifest: dict[tuple[str, str], Any], name: str) -> dict[str, Any]:
    """What `ssegauge load` makes of the arguments of a job."""
    command, *words = pod(manifest, name)["containers"][0]["args"]
    made: dict[str, Any] = commands()[command].make_context(command, words).params
    return made


def test_each_object_has_the_fields_that_kubernetes_knows(manifest: dict[tuple[str, str], Any]) -> None:
    assert len(manifest) == 5
    for one in manifest.values():
        known = SPECS[one["apiVersion"], one["kind"]]
        metadata = fields("name", name=NAME)
        whole = fields(*known, apiVersion=TEXT, kind=TEXT, metadata=metadata, **known)
        Draft202012Validator(whole).validate(one)


def test_the_parts_name_each_other(manifest: dict[tuple[str, str], Any]) -> None:
    service = manifest["Service", "ssegauge-master"]["spec"]
    leading = manifest["Job", "ssegauge-master"]["spec"]["template"]
    assert service["selector"].items() <= leading["metadata"]["labels"].items()
    (port,) = leading["spec"]["containers"][0]["ports"]
    assert service["ports"][0]["targetPort"] == port["name"]
    leader, worker = options(manifest, "ssegauge-master"), options(manifest, "ssegauge-workers")
    assert leader["master_port"] == worker["master_port"] == port["containerPort"] == service["ports"][0]["port"]
    assert worker["master_host"] == "ssegauge-master"
    for name in ("ssegauge-master", "ssegauge-workers"):
        spec = pod(manifest, name)
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert {*mounts} == {volume["name"] for volume in spec["volumes"]}
        for volume in spec["volumes"]:
            sources = {"configMap": "ConfigMap", "persistentVolumeClaim": "PersistentVolumeClaim"}
            for source in sources.keys() & volume.keys():
                (referred,) = volume[source].values()
                assert (sources[source], referred) in manifest
        assert Path(options(manifest, name)["target"]).parent == Path(mounts["target"])


def test_the_pods_hold_the_million(manifest: dict[tuple[str, str], Any]) -> None:
    job = manifest["Job", "ssegauge-workers"]["spec"]
    leader, worker = options(manifest, "ssegauge-master"), options(manifest, "ssegauge-workers")
    workers = job["completions"] * worker["processes"]
    assert job["completions"] == job["parallelism"]  # all at once
    assert leader["expect_workers"] == workers == 56
    assert leader["users"] == 1_000_000
    assert leader["users"] / workers <= MOST_IN_A_PROCESS
    ((first, last),) = (
        map(int, one["value"].split()) for one in pod(manifest, "ssegauge-workers")["securityContext"]["sysctls"]
    )
    assert leader["users"] / job["completions"] <= last - first + 1


def test_the_target_is_one(manifest: dict[tuple[str, str], Any]) -> None:
    target = from_toml(manifest["ConfigMap", "ssegauge-target"]["data"]["ssegauge.toml"])
    assert target.profile == "event-stream"
