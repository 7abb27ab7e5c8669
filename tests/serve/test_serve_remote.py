"""`trainer = "remote"` of this project against its own service: a whole build, with real training."""

from __future__ import annotations

from service import Service

from corpus_tuner.corpus import Corpus

TEXT = """# The harbour of Ost

The harbour of Ost was opened in 1871. It was built by Maria Lindqvist. The harbour has four piers.

## The lighthouse

The lighthouse of Ost was finished in 1874. It is 41 metres high. Its first keeper was Jonas Berg. The lamp was made in Paris.

## The railway

The railway reached Ost in 1889. It was closed in 1962. The station was designed by Erik Holm. The line was 37 kilometres long.
"""


def test_a_whole_build_trains_at_the_service_and_its_expert_answers(shared: Service, tmp_path, monkeypatch) -> None:
    """From a text to the report: the job runs at the service, the expert of the corpus answers from there."""
    monkeypatch.setenv("OWN_KEY", "none")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "ost.md").write_text(TEXT)
    (tmp_path / "sources" / "ost.toml").write_text(
        f"""
[corpus]
name = "ost"
language = "en"
[[source]]
locator = "ost.md"
[generate]
kinds = {{ basic = 8, detailed = 4 }}
[dataset]
validation = 0.1
[train]
trainer = "remote"
base = "gpt-3.5-turbo"
base_url = "{shared.url}/v1"
api_key_env = "OWN_KEY"
epochs = 5
[evaluate]
arms = ["expert", "nearest"]
"""
    )
    built = Corpus.open("ost", tmp_path).build()
    assert built.ran[-1] == "evaluate"
    corpus = Corpus.open("ost", tmp_path)
    receipt = corpus.place.receipt()
    assert receipt.model.startswith("ft:gpt-3.5-turbo:local:ost:")
    assert receipt.metrics["trained_tokens"] > 100
    assert corpus.place.report().is_file()
    assert corpus.asker("expert").ask("When was the lighthouse of Ost finished?").answer
    job = shared.client().fine_tuning.jobs.retrieve(receipt.metrics["job"])
    assert (job.status, job.user_provided_suffix if hasattr(job, "user_provided_suffix") else "ost") == ("succeeded", "ost")
    assert not Corpus.open("ost", tmp_path).build().ran
