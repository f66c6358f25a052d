"""The page: nothing is loaded from elsewhere, and no text breaks it."""

from pathlib import Path

from polydistill.eval.run import evaluate
from tests.eval.stand_in import STUDENT, StandIn, config, models


def test_the_report_stands_alone(world: Path) -> None:
    evaluate(models(world, "none", "half"), config(world), STUDENT, str(world / "out"), StandIn)
    page = (world / "out/report.html").read_text(encoding="utf-8")
    assert not any(part in page for part in ("<script", "http://", "https://", "<link", "@import", "src="))
    assert "犬が川のそばの古い家で" in page and page.count("<svg") == page.count("</svg>") > 3
    assert "FLORES BLEU, targets" in (world / "out/report.md").read_text(encoding="utf-8")


def test_texts_of_data_and_models_cannot_break_the_report(world: Path) -> None:
    file = world / "data/flores/devtest/eng_Latn.devtest"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[0] = "</pre><script>alert(1)</script> & so on"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    evaluate({"<b>bad": str(world / "models/gold")}, config(world), STUDENT, str(world / "out"), StandIn)
    page = (world / "out/report.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<b>bad" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on" in page
