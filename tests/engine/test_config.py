"""What holds for every section of the configuration; each section has a test of its own in `config/`."""

from polydistill.engine.config import Judge, Synthesis


def test_every_field_says_what_it_means():
    pending, seen = [Synthesis, Judge], set()
    while pending:
        model = pending.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, field in model.model_fields.items():
            inner = [
                t for t in (field.annotation, *getattr(field.annotation, "__args__", ())) if hasattr(t, "model_fields")
            ]
            pending += inner
            assert field.description or inner, f"{model.__name__}.{name}"
    assert len(seen) > 5
