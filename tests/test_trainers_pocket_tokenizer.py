"""The pocket model's tokenizer: whole phrases, whole instructions, and any text back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attunement.agents.prompting import packaged_prompts
from attunement.core.records import Reflection

pytest.importorskip("torch")
pytest.importorskip("transformers")

TEXTS = ["I feel rather sad. Nobody ever asks how it came to this."] * 50 + [
    '{"text": "So sad, with work.", "strategy": "Question"}'
] * 50


@pytest.fixture(scope="module")
def tokenizer():
    from attunement.trainers.pocket.tokenizer import make_tokenizer

    return make_tokenizer(TEXTS, words=400, phrases=100, context=512)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(ids(tokenizer, text), clean_up_tokenization_spaces=False) == text


def test_an_instruction_and_a_phrase_are_one_token_each(tokenizer):
    assert len(ids(tokenizer, packaged_prompts()["reflector"].section("system"))) == 1
    assert len(ids(tokenizer, " Nobody ever asks how it came to this.")) == 1
    assert len(ids(tokenizer, " Nobody ever asked how it came to that.")) > 1


def test_a_completion_begins_where_its_prompt_ends(tokenizer):
    prompt = [{"role": "system", "content": "You help."}, {"role": "user", "content": "I am sad."}]
    whole = [*prompt, {"role": "assistant", "content": "So sad, with work."}]
    asked = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    said = tokenizer.apply_chat_template(whole, tokenize=False)
    assert said == asked + "So sad, with work." + tokenizer.eos_token


def test_a_record_can_be_held_to_its_grammar_beside_tokens_of_a_thousand_bytes(tokenizer):
    """llguidance takes no token as long as an instruction is."""
    pytest.importorskip("llguidance")
    from attunement.agents.models.hf_guides import Guides

    guide = Guides(tokenizer, len(tokenizer), [tokenizer.eos_token_id]).guide(Reflection)
    allowed = guide.allow(None)

    bits = [int(word) >> bit & 1 for word in allowed for bit in range(32)]
    tokens = [tokenizer.decode([token]) for token, bit in enumerate(bits) if bit]
    assert tokens
    assert all(text.startswith("{") for text in tokens)
