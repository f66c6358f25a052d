"""One file per benchmark; `eval.benchmark.Benchmark` says what it holds. Their names are found from this folder."""
