"""The pocket model's tokenizer: words by BPE, and whole phrases and instructions as one token.

A templated language says the same phrases over and over. Tokens that reach over several words (as
in SuperBPE, Liu et al. 2025) make its texts a quarter as long, and a cue that a model has to read
becomes one token instead of ten. The instructions of the prompt files never change: each is one
token too, so that this model sees the same messages as any other and still reads short contexts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from attunement.agents.prompting import packaged_prompts

_hf: Any = transformers  # typed by halves

PAD, BEGIN, END = "<|pad|>", "<|begin|>", "<|end|>"
SPECIAL = (PAD, BEGIN, END, "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{{ '" + BEGIN + "' }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '" + END + "' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The end token stands right behind an assistant's text, so that it is learnt with it."""
RARE = 40
"""Occurrences that a phrase needs to become a token."""
_SHORT = 5
"""Characters up to which a phrase is left to BPE."""
_PHRASE = re.compile(
    r"</?\w+>"  # a block's tag
    r'|[{"]*"\w+": (?:null[,}]* ?|[{\["]*)'  # a record's key
    r'|"?(?:\],?|\},?|\[\])[,}\]]* ?'
    r'| ?[^.?!\n",;:{}\[\]<>]+[.?!;,:]?'  # a part of a sentence
)


def make_tokenizer(texts: Iterable[str], words: int, phrases: int, context: int) -> Any:
    """A tokenizer for texts like these: `words` BPE tokens, at most `phrases` phrases.

    Any text comes back as it went in: what is no phrase is bytes in the end.
    """
    lines = Counter(line for text in texts for line in text.split("\n"))
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    bpe.train_from_iterator(sorted(lines), trainer)
    whole = [*instructions(), *_frequent(lines, phrases)]
    bpe.add_tokens([AddedToken(text, normalized=False, special=False) for text in whole])
    tokenizer = _hf.PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, bos_token=BEGIN, eos_token=END,
        padding_side="left", model_max_length=context, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def instructions() -> Iterator[str]:
    """What stands between the placeholders of the prompt files, where it is over three words."""
    seen = set()
    for prompt in packaged_prompts().values():
        for text in prompt.fixed_texts():
            if len(text.split()) > 3 and text not in seen:
                seen.add(text)
                yield text


def _frequent(lines: Counter[str], most: int) -> list[str]:
    """The phrases that stand in the lines often, the commonest first; ties go by the alphabet."""
    counts: Counter[str] = Counter()
    for line, times in lines.items():
        for phrase in _PHRASE.findall(line):
            counts[phrase] += times
    kept = [(-n, p) for p, n in counts.items() if n >= RARE and len(p) > _SHORT]
    return [phrase for _, phrase in sorted(kept)[:most]]
