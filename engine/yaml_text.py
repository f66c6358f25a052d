"""Reading YAML that people write: plain values only, of a size that a person could have written."""

from typing import Any

import yaml

from polydistill.engine.errors import UserError

CHARACTERS, DEPTH = 1_000_000, 30
"""Longest text, and deepest nesting. A run's file has some 2,000 characters and five levels."""


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text.

    Aliases are refused: nobody needs them here, and a few of them nested in each other fill any memory.

    Args:
        text: the YAML.
        where: what the text is, for messages: a file, or an option with its value.

    Raises:
        UserError: the text is no YAML of plain values, or too long, or nested too deeply.
    """
    if len(text) > CHARACTERS:
        raise UserError(f"{where}: {len(text):,} characters, at most {CHARACTERS:,} are read. Is this the right file?")
    try:
        _check(text, where)
        return yaml.load(text, _Loader)
    except UserError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise UserError(f"{where}: not valid YAML{place}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from error
    except Exception as error:  # PyYAML's constructors fail on 2001-13-45 and the like with whatever they meet
        raise UserError(f"{where}: a value that YAML cannot read ({error}). Put it in quotes") from error


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The values of a mapping by their keys."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if key.value in lines:
                    text = f"the key {key.value} stands twice (line {lines[key.value]} as well). Leave one out"
                    raise yaml.constructor.ConstructorError(None, None, text, key.start_mark)
                lines[key.value] = line
        return super().construct_mapping(node, deep)


def _check(text: str, where: str) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise UserError(f"{where}: the alias *{event.anchor} is not supported. Write the value out instead")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH:
            raise UserError(f"{where}: nested more than {DEPTH} levels deep")
