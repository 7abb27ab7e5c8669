"""Requests that nobody thought of, made from OpenAI's published schema with a fixed seed."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from service import SCHEMA, Service, pairs, upload, wait

pytest.importorskip("schemathesis")

CHECKS = "not_a_server_error,response_schema_conformance,negative_data_rejection"
SECONDS = 25  # bound of the whole run


def with_real_names(file: str, job: str, model: str) -> dict:
    """The schema, its free names replaced by ones that exist, so that requests get past the first look-up."""
    schema = copy.deepcopy(SCHEMA)
    form = {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/CreateFileRequest"}}}
    schema["paths"]["/files"]["post"]["requestBody"] = {"required": True, "content": form}
    names = {"file_id": [file, "file-none"], "fine_tuning_job_id": [job], "model": [model]}
    for methods in schema["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["schema"] = {"type": "string", "enum": names[parameter["name"]]}
    del schema["paths"]["/models/{model}"]["delete"]  # it would take away what the others ask
    asked = schema["components"]["schemas"]
    for name, values in (("CreateCompletionRequest", [model]), ("CreateFineTuningJobRequest", ["gpt-4o-mini"])):
        asked[name]["properties"]["model"] = {"type": "string", "enum": values}
    asked["CreateFineTuningJobRequest"]["properties"]["training_file"] = {"type": "string", "enum": [file, "file-none"]}
    shared = next(part for part in asked["CreateChatCompletionRequest"]["allOf"] if "model" in part.get("properties", {}))
    shared["properties"]["model"] = {"type": "string", "enum": [model]}
    return schema


def test_no_request_made_from_the_schema_breaks_the_server_or_the_schema(own: Service, tmp_path: Path) -> None:
    """No 5xx, no response outside of the schema, no success for what the schema forbids.

    Left out: the media type of a file's content (the schema says JSON, OpenAI sends the file), and statuses other than
    200, of which the schema documents none.
    """
    client = own.start().client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    job = client.fine_tuning.jobs.create(model="scratch", training_file=file, hyperparameters={"n_epochs": 2})
    model = wait(client, job.id).fine_tuned_model
    (tmp_path / "schema.json").write_text(json.dumps(with_real_names(file, job.id, model)))
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", "schema.json", "--url", f"{own.url}/v1", "--checks", CHECKS,
        "--seed", "20261121", "--max-time", str(SECONDS), "-n", "20", "--phases", "coverage,fuzzing", "--no-color",
        "--continue-on-failure", "--suppress-health-check", "all",
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=3 * SECONDS, check=False)
    assert run.returncode == 0, run.stdout[-6000:]
    assert "generated" in run.stdout
    assert client.files.list().data is not None
