"""How artifacts lie on disk: shards, units, records, fingerprints."""
