"""No credential in a location or setting, and none in the message that refuses it."""

import logging
from pathlib import Path
from typing import Any

import pytest

from polydistill.cli.main import main
from polydistill.engine.config import Student, validate
from polydistill.engine.credentials import refuse_in_location, refuse_in_settings
from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.run_config import RunConfig

SECRETS = [
    "s3://AKIA:hunter2@bucket/run",
    "s3://AKIA:hun/ter2@bucket/run",
    "s3://:hunter2@bucket",
    "https://user:hunter2@host:8080/data.json",
    "abfss://container:hunter2@account.dfs.core.windows.net/x",
    "s3://bucket/run?region=x&secret_key=hunter2",
    "https://account.blob.core.windows.net/x?sv=1&sig=hunter2",
    "https://host/x?access_token=hunter2",
]
PLAIN = [
    *("/data/run", "out", "C:/x", "facebook/nllb", "s3://bucket/run", "hdfs://user@host:8020/x", "http://[::1]:80/v1"),
    *("abfss://container@account.dfs.core.windows.net/x", "file:///a:b@c", "a: b@c", "Write to me@x.org: now"),
    *("s3://bucket?endpoint_override=127.0.0.1:9000&scheme=http", "https://host/v1@2?page=1"),
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_location_with_a_credential_is_refused_without_showing_it(text: str) -> None:
    for opens in (refuse_in_location, Folder.of):
        with pytest.raises(UserError, match=r"holds credentials\. .*environment.*AWS_ACCESS_KEY_ID") as error:
            opens(text)
        assert "hunter2" not in str(error.value) and "ter2" not in str(error.value)


@pytest.mark.parametrize("text", PLAIN)
def test_others_pass(text: str) -> None:
    refuse_in_location(text)
    assert Student(model=text).model == text


def test_secrets_among_the_settings_of_another_library() -> None:
    refuse_in_settings({"eos_token": "</s>", "hf_token": True, "a": [{"tokens": "x"}]}, "engine")
    for settings in ({"hf_token": "hunter2"}, {"a": [{"API_KEY": "hunter2"}]}, {"a": {"b": SECRETS[0]}}):
        with pytest.raises(UserError, match="environment") as error:
            refuse_in_settings(settings, "engine")
        assert "hunter2" not in str(error.value)


LOCATIONS: list[dict[str, Any]] = [
    {"output": SECRETS[0]},
    {"prompts": {"path": SECRETS[0]}},
    {"prompts": [{"path": "a.json"}, {"path": SECRETS[0]}]},
    {"prompts": {"path": "a.json", "translations": {"de": {"path": SECRETS[0]}}}},
    {"translate": {"model": SECRETS[0]}},
    {"translate": {"model": "m", "fallback": {"model": SECRETS[0]}}},
    {"judge": {"quality": {"model": SECRETS[0], "threshold": 0.5}}},
    {"judge": {"language_id": SECRETS[0]}},
    {"student": {"model": SECRETS[0]}},
    {"student": {"model": "m", "engine": {"hf_token": "hunter2"}}},
    {"student": {"model": "m", "endpoint": SECRETS[3]}},
    {"student": {"model": "m", "endpoint": {"url": "http://h/v1", "key": "sk-hunter2"}}},
    {"dictionaries": {"path": SECRETS[0]}},
    {"parallel": {"path": SECRETS[0]}},
    {"leakage": {"against": ["a", SECRETS[0]]}},
    {"native": [{"path": SECRETS[0], "language": "de"}]},
    {"eval": {"tasks": ["belebele"], "data": SECRETS[0]}},
    {"eval": {"tasks": [{"task": "belebele", "path": SECRETS[0]}]}},
]


@pytest.mark.parametrize("changes", LOCATIONS, ids=lambda changes: ".".join(changes))
def test_no_section_takes_one(changes: dict[str, Any]) -> None:
    base = {"output": "o", "targets": ["de"], "prompts": {"path": "a.json"}, "translate": {"model": "m"}}
    with pytest.raises(UserError, match="environment") as error:
        validate(RunConfig, base | changes, "run.yaml")
    assert "hunter2" not in str(error.value) and next(iter(changes)) in str(error.value)


def test_the_value_of_another_mistake_shows_no_password() -> None:
    with pytest.raises(UserError) as error:
        validate(Student, {"model": "m", "price": {"prompt": "see s3://a:hunter2@b"}}, "run.yaml")
    assert "see s3://...@b" in str(error.value)


def test_a_command_refuses_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(
        "output: out\ntargets: [de]\nprompts: {path: 's3://AKIA:hunter2@bucket/x.json'}\ntranslate: {model: m}\n"
    )
    commands = [["synth", "run.yaml"], ["run", "run.yaml"], ["check", "run.yaml"], ["plan", "run.yaml"]]
    commands += [["mix", SECRETS[0]], ["inspect", SECRETS[0]], ["verify", SECRETS[0]], ["show", SECRETS[0]]]
    with caplog.at_level(logging.DEBUG):
        for command in commands:
            with pytest.raises(SystemExit) as ended:
                main(command)
            assert ended.value.code == 2, command
    said = capfd.readouterr()
    assert said.err.count("AWS_ACCESS_KEY_ID") == len(commands)
    assert "hunter2" not in said.out + said.err + caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]
