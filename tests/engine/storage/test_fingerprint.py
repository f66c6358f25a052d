from polydistill.engine.storage.fingerprint import differences, fingerprint, flatten


def test_order_of_keys_does_not_count_and_every_value_does():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2}) and len(fingerprint(None)) == 16


def test_differences_name_every_key_on_either_side():
    before, now = flatten({"translate": {"beam": 4}, "seed": 0}), flatten({"translate": {"beam": 1}, "new": "x"})
    assert differences(before, now) == [
        "new: was None, now 'x'",
        "seed: was 0, now None",
        "translate.beam: was 4, now 1",
    ]
