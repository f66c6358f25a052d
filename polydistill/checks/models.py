"""Checks of the models: the student, the translator and the judge's."""

import ast
import difflib
import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

from polydistill.checks.locate import locate
from polydistill.checks.problem import Problem, caught
from polydistill.engine.config import Endpoint, Student, Translate, Translator, read_yaml
from polydistill.engine.errors import UserError
from polydistill.engine.generation.adapters import Adapter
from polydistill.engine.generation.reward import check_reward_model
from polydistill.engine.translation.shots import check_shots
from polydistill.run_config import RunConfig

FASTTEXT = (793712314).to_bytes(4, "little")
"""First bytes of every fastText model."""


def student(run: RunConfig) -> list[Problem]:
    """The student's folder, engine arguments, tokenizer, a rendered prompt, and the server."""
    found: list[Problem] = []
    if run.student is None:
        return found
    with caught("student.engine", found):
        _engine(run.student.engine)
    with caught("student.model", found):
        adapter = Adapter.find(run.student.model)
        folder = locate(adapter.base if adapter else run.student.model)
        if folder is not None:
            kind = _architecture(folder)
            if kind and "ForCausalLM" not in kind and "ForConditionalGeneration" not in kind:
                raise UserError(f"{run.student.model}: a {kind}, expected a causal language model")
            _prompt(run.student, adapter.folder if adapter else str(folder), found)
    if run.student.reward is not None:
        with caught("student.reward.model", found):
            reward = run.student.reward.model
            check_reward_model(reward, locate(reward))
    if run.student.endpoint:
        _endpoint(run.student.endpoint, found)
    return found


def _prompt(student: Student, folder: str, found: list[Problem]) -> None:
    """Render and tokenize a short conversation."""
    from polydistill.engine.generation.prompting.check import check_template

    with caught("student.prompt", found):
        report = check_template(student.model_copy(update={"model": folder}))
        found += [Problem("student.prompt", note, note=True) for note in report.notes]


def _endpoint(endpoint: Endpoint, found: list[Problem]) -> None:
    """Ask the server which models it serves."""
    from polydistill.engine.generation.endpoint import EndpointClient

    with caught("student.endpoint", found):
        EndpointClient(endpoint).model()


def evaluated(models: Mapping[str, str]) -> list[Problem]:
    """Every model of an evaluation is a folder with a model or an adapter, or on the hub.

    Args:
        models: name -> folder or hub id.
    """
    found: list[Problem] = []
    for path in dict.fromkeys(models.values()):
        with caught("MODELS", found):
            adapter = Adapter.find(path)
            locate(adapter.base if adapter else path)
    return found


def translator(run: RunConfig) -> list[Problem]:
    """Folder, architecture, languages and terms of the translator and of its fallback."""
    if run.translate is None:
        return []
    found = _translator(run, run.translate, "translate")
    if run.translate.fallback is not None:
        found += _translator(run, run.translate.fallback, "translate.fallback")
    for key, languages in (("glossary", run.translate.glossary), ("keep", run.translate.keep)):
        idle = [language for language in languages if language not in (*run.targets, "default")]
        if idle:
            text = f"{', '.join(idle)} {'is no target' if len(idle) == 1 else 'are no targets'} of this run"
            found.append(Problem(f"translate.{key}", text, note=True))
    return found


def _translator(run: RunConfig, translator: Translator, key: str) -> list[Problem]:
    found: list[Problem] = []
    if translator.method == "chat":
        from polydistill.engine.generation.prompting.chat_template import may_think
        from polydistill.engine.generation.prompting.templates import load_tokenizer
        from polydistill.engine.translation.chat.chat_translator import chat_template
        from polydistill.engine.translation.chat.languages import check_languages
        from polydistill.engine.translation.chat.prompts import PLAIN, family_for

        with caught(f"{key}.model", found):
            check_languages(family_for(translator), run.source, run.targets)
    if translator.endpoint is not None:
        return found  # its server is asked when the run starts
    with caught(f"{key}.engine", found):
        _engine(translator.engine)
    with caught(f"{key}.model", found):
        folder = locate(translator.model)
        if folder is not None and translator.method == "seq2seq":
            kind = _architecture(folder)
            if "ForCausalLM" in kind:
                raise UserError(
                    f"{translator.model}: a {kind}, which writes on instead of translating. Name an NLLB, M2M-100, "
                    f"MADLAD, mBART-50 or Marian model, or set {key}.method: self (from examples) or chat"
                )
            _languages(run, folder, found)
        if folder is not None and translator.method == "chat" and family_for(translator) not in PLAIN:
            template = chat_template(translator, load_tokenizer(str(folder)))
            if may_think(template, translator.template):
                note = (
                    f"{translator.model} may think before each translation. {{enable_thinking: false}} turns that off"
                )
                found.append(Problem(f"{key}.template", note, note=True))
    if translator.method == "self":
        with caught(f"{key}.examples", found):
            marked = isinstance(translator, Translate) and translator.mark_answers
            check_shots(translator, marked, [run.source], run.targets)
    return found


def _languages(run: RunConfig, folder: Path, found: list[Problem]) -> None:
    from polydistill.engine.generation.prompting.templates import load_tokenizer
    from polydistill.engine.translation.encoder_decoder.language_tokens import language_tokens

    tokenizer = load_tokenizer(str(folder))
    # M2M-100's tokenizer keeps its languages apart from its vocabulary.
    tokens = language_tokens(folder, {*tokenizer.get_vocab(), *getattr(tokenizer, "lang_token_to_id", ())})
    with caught("source", found):
        tokens.check({run.source}, set())
    for target in run.targets:
        with caught("targets", found):
            tokens.check(set(), {target} - {run.source})


def compute_type(run: RunConfig) -> list[Problem]:
    """This machine has the translator's arithmetic."""
    if run.translate is None or run.translate.method != "seq2seq":
        return []
    import ctranslate2

    name = run.translate.compute_type
    kind = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    known = {"default", "auto", *ctranslate2.get_supported_compute_types(kind)}
    if name in known:
        return []
    text = f"{name} is not supported on this {kind}. Supported: {', '.join(sorted(known))}"
    return [Problem("translate.compute_type", text)]


def judge(run: RunConfig) -> list[Problem]:
    """The language-ID model and the quality-estimation model."""
    found: list[Problem] = []
    with caught("judge.language_id", found):
        language_id(run.judge.language_id)
        from polydistill.engine.judging.languages.language_id import unknown_targets

        unknown = unknown_targets(run.judge, run.targets)
        if unknown:
            text = (
                f"{run.judge.language_id} has no label for {', '.join(unknown)}: there only texts left in the source "
            )
            text += "language are noticed. Other models (GlotLID, OpenLID) are given by path"
            found.append(Problem("judge.language_id", text, note=True))
    if run.judge.quality is not None:
        encoder = run.judge.quality.encoder
        with caught("judge.quality.model", found):
            comet(run.judge.quality.model, encoder)
        if encoder and not (Path(encoder) / "config.json").is_file():
            found.append(Problem("judge.quality.encoder", f"{encoder}: no folder with a config.json"))
    return found


def language_id(name: str) -> None:
    """Whether `name` is lid.176 or a fastText model.

    Raises:
        UserError: it is neither.
    """
    if name == "lid.176":
        return
    try:
        with open(name, "rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}. Write lid.176, or the path of a fastText model") from error
    if head != FASTTEXT:
        raise UserError(f"{name}: not a fastText model. Write lid.176, or the path of a model's .bin or .ftz file")


def comet(name: str, encoder: str | None = None) -> None:
    """Whether `name` is a COMET checkpoint, and its encoder's configuration is here or on the hub.

    Args:
        encoder: a folder that takes the place of the encoder that the checkpoint names.

    Raises:
        UserError: it is not, or the encoder is nowhere.
    """
    folder = locate(name, "hparams.yaml")
    named = encoder_of(folder) if folder is not None and encoder is None else None
    if named:
        try:
            locate(named)
        except UserError as error:
            raise UserError(f"its encoder {error}") from error


def encoder_of(folder: Path) -> str | None:
    """The hub id of the encoder that a COMET checkpoint names. None where the checkpoint has it in a folder.

    Raises:
        UserError: hparams.yaml names none.
    """
    if (folder / "encoder").is_dir():
        return None
    hparams = read_yaml(folder / "hparams.yaml")
    name = hparams.get("pretrained_model")
    if not isinstance(name, str):
        raise UserError(f"{folder / 'hparams.yaml'}: lacks pretrained_model. A COMET checkpoint has it")
    return name


def _architecture(folder: Path) -> str:
    """Name of the model's class, "" where its configuration has none."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = config.get("architectures") or [""]
        return str(names[0])
    except (OSError, ValueError, AttributeError, LookupError, TypeError) as error:
        raise UserError(f"{folder}/config.json: not a model's configuration ({error})") from error


def _engine(arguments: dict[str, object]) -> None:
    """Raise UserError for an argument that vLLM does not have."""
    known = engine_arguments()
    for name in arguments:
        if known and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(f"{name} is no engine argument of vLLM.{hint}")


@functools.cache
def engine_arguments() -> frozenset[str]:
    """Fields of vLLM's EngineArgs, read from its source: importing vLLM takes ten seconds. Empty without vLLM."""
    spec = importlib.util.find_spec("vllm")
    for place in (spec.submodule_search_locations or []) if spec else []:
        file = Path(place) / "engine" / "arg_utils.py"
        if file.is_file():
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and node.name == "EngineArgs":
                    fields = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
                    return frozenset(field.id for field in fields if isinstance(field, ast.Name))
    return frozenset()
