"""What the package uses of a Hugging Face tokenizer."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Tokenizer(Protocol):
    """The used part of `transformers.PreTrainedTokenizerBase`, so that another kind of tokenizer can stand in."""

    chat_template: str | None
    is_fast: bool
    backend_tokenizer: Any  # of the library `tokenizers`; fast ones only
    bos_token: str | None
    eos_token: str | None
    bos_token_id: int | None
    eos_token_id: int | None
    cls_token_id: int | None
    sep_token_id: int | None
    special_tokens_map: Mapping[str, str | list[str]]
    all_special_tokens: list[str]
    added_tokens_decoder: Mapping[int, Any]  # added token by id: `content`, and whether it is `special`

    def __call__(self, text: Any, text_pair: str | None = None, **options: bool) -> Mapping[str, Any]:
        """Token ids under "input_ids": a list for a text, a list of lists for a list of texts."""

    def __len__(self) -> int:
        """Size of the vocabulary, added tokens included."""

    def decode(self, token_ids: Sequence[int], **options: bool) -> str:
        """The text of tokens."""

    def get_vocab(self) -> dict[str, int]:
        """Token -> id."""

    def get_added_vocab(self) -> dict[str, int]:
        """Added token -> id."""

    def add_tokens(self, new_tokens: list[Any]) -> int:
        """Add tokens; returns how many are new."""

    def convert_ids_to_tokens(self, ids: int) -> str:
        """A token as the vocabulary spells it."""

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """The id of a token, or the ids of several."""

    def get_chat_template(self) -> str:
        """The template that is used where none is named."""

    def apply_chat_template(self, conversation: Sequence[Mapping[str, object]], **options: Any) -> Any:
        """A conversation as text, or as token ids."""

    def save_pretrained(self, save_directory: str) -> object:
        """Write its files into a folder."""
