"""Facts and names: true, split by what is held out, proper in every language."""

import re

from polydistill.tinyworld.facts import LANGUAGES, Fact, entities, facts, name, rare


def test_every_entity_has_a_proper_name_in_every_language():
    for entity in entities():
        for language in LANGUAGES:
            text = name(entity, language)
            assert text and text == text.strip() and not re.search(r"[/\n\t{}\xad]", text), (entity, language, text)


def test_japanese_names_are_japanese():
    latin = [e for e in entities() if not re.search("[぀-ヿ一-鿿]", name(e, "jpn_Jpan"))]
    assert latin == []


def test_splits_are_as_large_as_promised_and_cities_go_with_their_countries():
    shares = {split: sum(f.split == split for f in facts()) / len(facts()) for split in ("seen", "dev", "test")}
    assert 0.65 < shares["seen"] < 0.75 and 0.03 < shares["dev"] < 0.10 and 0.19 < shares["test"] < 0.29
    assert {f.family for f in facts() if f.split == "test"} == {f.family for f in facts()}
    split = {(f.family, f.subject.split(":")[1]): f.split for f in facts()}
    assert all(split["city", key] == s for (family, key), s in split.items() if family == "country")


def test_rare_names_are_a_minority_of_every_kind():
    share = sum(map(rare, entities())) / len(entities())
    assert 0.04 < share < 0.15
    assert {e.split(":")[0] for e in entities() if rare(e)} == {"territory", "city", "currency"}


def test_facts_are_true():
    world = set(facts())
    assert Fact("currency", "territory:JP", "currency:JPY") in world
    assert Fact("continent", "territory:PE", "continent:005") in world
    assert Fact("language", "territory:BR", "language:pt") in world
    assert Fact("country", "city:KE", "territory:KE") in world and name("city:KE", "jpn_Jpan") == "ナイロビ"
    assert Fact("sum", "sum:3+4", "number:7") in world
