"""How close languages are inside a model: retrieval by layer, and the picture that the papers draw.

A sentence's vector is the hidden state of its last token (SDRRL, arXiv 2402.12204, figure 3, takes the last layer's) or
the mean over its tokens (x-LLM, arXiv 2308.04948). t-SNE pictures (van der Maaten and Hinton 2008) look different with
every seed and perplexity; so they come with numbers that a plot can't fake: of n parallel sentences, how often a
sentence's nearest neighbor in the source language is its own translation (chance: 1/n), and the mean rank of the
translation (chance: (n+1)/2).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.eval.asking.engines import device_here
from polydistill.eval.config import Eval, Geometry
from polydistill.eval.scores import GeometryRecord, Retrieval
from polydistill.eval.tasks.flores import sentences


def measure(model: str, config: Eval, trust_remote_code: bool = False, fingerprint: str = "") -> GeometryRecord:
    """Retrieval for each language and layer, and t-SNE coordinates of the last layer."""
    settings = config.geometry
    if settings is None:
        raise ValueError("the configuration has no geometry section")
    texts = parallel(config, settings)
    vectors = sentence_vectors(model, texts, settings, device_here(config.device), trust_remote_code)
    rows = []
    for language in list(texts)[1:]:
        for layer, (source, target) in enumerate(zip(vectors[config.source], vectors[language])):
            accuracy, rank = retrieval(source, target)
            rows.append(Retrieval(language, layer, accuracy, rank, len(source)))
    last = {language: layers[-1] for language, layers in vectors.items()}
    signature = (
        f"pooling:{settings.pooling}|similarity:cosine|n:{settings.sentences}|tsne:perplexity=30,seed={config.seed}"
    )
    points = tsne(last, config.seed)
    return GeometryRecord(fingerprint=fingerprint, retrieval=rows, tsne=points, signature=signature)


def parallel(config: Eval, settings: Geometry) -> dict[str, list[str]]:
    """The first sentences of each language, parallel, source language first."""
    path = Path(settings.path) if settings.path else Path(config.data) / "flores"
    texts = {language: sentences(path, language, settings.split) for language in config.languages}
    common = [key for key in texts[config.source] if all(key in found for found in texts.values())]
    if len(common) < 2:
        raise UserError(f"{path}: fewer than two sentences that all of {', '.join(texts)} have")
    return {language: [found[key] for key in common[: settings.sentences]] for language, found in texts.items()}


def sentence_vectors(
    model: str, texts: Mapping[str, Sequence[str]], settings: Geometry, device: str, trust_remote_code: bool = False
) -> dict[str, np.ndarray]:
    """Vectors of every text in every layer: float32 (layers + 1, texts, width) for each key of `texts`."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    from polydistill.engine.generation.prompting.templates import load_tokenizer

    logging.disable_progress_bar()
    tokenizer = load_tokenizer(model, trust_remote_code)
    try:
        network = AutoModelForCausalLM.from_pretrained(model, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise UserError(f"{model}: transformers cannot load it ({str(error).splitlines()[0]})") from error
    network = network.to(device).eval()
    with torch.inference_mode():
        return {
            name: np.concatenate([*_batches(network, tokenizer, list(rows), settings, device)], axis=1)
            for name, rows in texts.items()
        }


def _batches(
    network: Any, tokenizer: Tokenizer, texts: list[str], settings: Geometry, device: str
) -> Iterator[np.ndarray]:
    """Vectors of 32 texts at a time, padded on the right: with causal attention padding cannot reach the tokens."""
    import torch

    for start in range(0, len(texts), 32):
        ids = tokenizer(texts[start : start + 32], split_special_tokens=True)["input_ids"]
        ids = [row[:-1] if len(row) > 1 and row[-1] == tokenizer.eos_token_id else row for row in ids]
        width = max(map(len, ids))
        batch = torch.zeros((len(ids), width), dtype=torch.long)
        mask = torch.zeros((len(ids), width), dtype=torch.long)
        for row, tokens in enumerate(ids):
            batch[row, : len(tokens)], mask[row, : len(tokens)] = torch.tensor(tokens), 1
        output = network(batch.to(device), attention_mask=mask.to(device), output_hidden_states=True, use_cache=False)
        states = torch.stack([layer.float() for layer in output.hidden_states])  # (layers + 1, texts, width, d)
        mask = mask.to(device)
        if settings.pooling == "mean":
            pooled = (states * mask[None, :, :, None]).sum(2) / mask.sum(1)[None, :, None]
        else:
            pooled = states[:, torch.arange(len(ids)), mask.sum(1) - 1]
        yield pooled.cpu().numpy()


def retrieval(source: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """(accuracy in percent, mean rank from 1) of finding row i of `source` from row i of `target` by cosine.

    Equal similarities count against it, so that vectors which are all the same get the worst rank, not the best.
    """
    found = ranks(source, target)
    return float(100 * (found == 1).mean()), float(found.mean())


def ranks(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Rank from 1 of row i of `wanted`, looked for among its rows by row i of `given`, by cosine: int64 (rows,)."""
    similarity = _unit(given) @ _unit(wanted).T
    own = np.diagonal(similarity)[:, None]
    return (similarity >= own - 1e-7).sum(1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def tsne(vectors: Mapping[str, np.ndarray], seed: int) -> dict[str, list[list[float]]]:
    """Two coordinates for each vector, all languages in one picture, scaled to 0..1."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    stacked = np.concatenate(list(vectors.values())).astype(np.float64)
    perplexity = min(30.0, (len(stacked) - 1) / 3)
    # Its threads wait for each other in a loop: on a busy machine two of them take a hundred times as long as one.
    with threadpool_limits(1):
        points = TSNE(perplexity=perplexity, random_state=seed, init="pca").fit_transform(_unit(stacked))
    points = (points - points.min(0)) / np.maximum(np.ptp(points, axis=0), 1e-12)
    result, start = {}, 0
    for name, rows in vectors.items():
        result[name] = np.round(points[start : start + len(rows)].astype(np.float64), 4).tolist()
        start += len(rows)
    return result
