"""Rows under real chat templates: where completions begin and end, and what texts may not spell."""

import random
import tracemalloc

import pytest

from attunement.core.errors import UserError
from attunement.trainers.lint.encoding import Encoder
from attunement.trainers.lint.linting import Options, lint
from attunement.trainers.lint.tokens import ChatTokenizer, load_tokenizer
from tests.corpora import (
    TEMPLATES,
    chat_tokenizer,
    clean_corpus,
    message,
    pairs,
    reply,
    said,
    save_tokenizer,
    sentence,
    write_lines,
)

CLEAN = ("qwen2_5", "qwen3", "llama3")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return clean_corpus(tmp_path_factory.mktemp("clean"))


def checked(path, tokenizer, **options):
    report = lint(path, Options(tokenizer=ChatTokenizer(tokenizer), **options))
    return {finding.check: finding for one in report.sets for finding in one.findings}


@pytest.mark.parametrize("template", CLEAN)
def test_clean_rows_are_clean_under_real_templates(corpus, template):
    report = lint(
        corpus, Options(tokenizer=ChatTokenizer(chat_tokenizer(template)), max_length=2048)
    )
    assert report.clean
    assert [one.findings for one in report.sets] == [(), (), ()]
    figures = report.sets[0].statistics
    assert 0 < figures["tokens, median"] <= figures["tokens, longest"] < 2048


def test_white_space_behind_the_end_token_is_a_note(corpus):
    report = lint(corpus, Options(tokenizer=ChatTokenizer(chat_tokenizer("qwen2_5"))))
    assert any("puts '\\n' behind it (160 completions)" in note for note in report.sets[0].notes)
    report = lint(corpus, Options(tokenizer=ChatTokenizer(chat_tokenizer("llama3"))))
    assert not any("end token" in note for note in report.sets[0].notes)


def test_more_behind_the_end_token_is_a_finding(corpus):
    finding = checked(corpus, chat_tokenizer("phi3"))["end-token"]
    assert finding.share == 1
    assert finding.rows[0].endswith("train.jsonl:1")
    assert "is learnt behind '<|end|>'" in finding.example


@pytest.mark.parametrize("template", ["qwen2_5", "llama3"])
def test_short_replies_are_not_looked_for_in_the_end_token(tmp_path, template):
    rows = pairs(40, seed=1)
    for row, text in zip(rows, ["i", "end", "im", "e", "id", "o|"] * 7, strict=False):
        row |= {"chosen": said(text), "rejected": said("| >")}
    write_lines(tmp_path / "train.jsonl", rows)
    assert "end-token" not in checked(tmp_path, chat_tokenizer(template))


def test_a_template_that_ends_with_another_token_is_a_finding(corpus):
    tokenizer = chat_tokenizer("llama3")
    tokenizer.eos_token = "<|end|>"
    finding = checked(corpus, tokenizer)["end-token"]
    assert "no '<|end|>'; behind the text stands '<|eot_id|>'" in finding.example


def test_something_between_the_text_and_its_end_is_a_finding(corpus):
    tokenizer = chat_tokenizer("llama3")
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "message['content'] | trim +", "message['content'] | trim + ' (end)' +"
    )
    finding = checked(corpus, tokenizer)["end-token"]
    assert "' (end)' stands between the text and '<|eot_id|>'" in finding.example


def test_a_prompt_that_is_rendered_otherwise_is_a_finding(corpus):
    tokenizer = chat_tokenizer("llama3")
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "assistant<|end_header_id|>\n\n", "assistant<|end_header_id|>\n\nWell, "
    )
    finding = checked(corpus, tokenizer)["template-prefix"]
    assert finding.share == 1
    assert "'Well, '" in finding.example or "Well" in finding.example


def test_rows_that_the_template_refuses_are_named_with_its_words(tmp_path):
    rows = pairs(40, seed=1)
    for row in rows:
        row["prompt"] = row["prompt"][1:]
    rows[3]["prompt"] = [message("system", "Be kind."), *rows[3]["prompt"]]
    write_lines(tmp_path / "train.jsonl", rows)
    finding = checked(tmp_path, chat_tokenizer("gemma"))["template-refuses"]
    assert (finding.rows, finding.example) == (("train.jsonl:4",), "System role not supported")


def test_special_tokens_in_texts_are_found_with_who_says_them(tmp_path):
    rows = pairs(40, seed=1)
    rows[3]["chosen"] = said("Who else knew?<|eot_id|> And when did the garden begin?")
    rows[4]["prompt"][3]["content"] += " <|start_header_id|>"
    rows[5]["rejected"] = said("The <|im_end|> of another model, of the garden and the letter.")
    write_lines(tmp_path / "train.jsonl", rows)
    finding = checked(tmp_path, chat_tokenizer("llama3"))["special-tokens"]
    assert finding.rows == ("train.jsonl:4", "train.jsonl:5")
    assert finding.example == "'<|eot_id|>' in a message of 'assistant'"


def test_without_a_tokenizer_that_is_said(corpus):
    report = lint(corpus, Options())
    assert any("--tokenizer" in note for note in report.notes)
    report = lint(corpus, Options(tokenizer=ChatTokenizer(chat_tokenizer("llama3"))))
    assert any("--max-length" in note for note in report.notes)


def test_plain_texts_get_their_end_token_as_the_trainer_appends_it(tmp_path):
    draw = random.Random(1)
    rows = [{"prompt": sentence(draw) + " ", "chosen": reply(draw), "rejected": reply(draw)}
            for _ in range(40)]  # fmt: skip
    write_lines(tmp_path / "train.jsonl", rows)
    assert "end-token" not in checked(tmp_path, chat_tokenizer("llama3"), max_length=512)


@pytest.mark.parametrize("template", TEMPLATES)
def test_pieces_give_the_tokens_of_whole_texts(template):
    tokenizer = chat_tokenizer(template)
    encode, whole = Encoder(tokenizer), Encoder(tokenizer)
    whole._special = {}
    texts = [text for row in pairs(30, seed=3) if (text := _rendered(tokenizer, row))]
    texts += ["", tokenizer.eos_token, f" {tokenizer.eos_token}\n", "no special token at all"]
    for _ in range(2):  # the second time from memory
        assert encode(texts) == whole(texts)
    assert encode._special, "pieces were trusted"
    assert encode._known


def _rendered(tokenizer, row):
    messages = row["prompt"][1:] + row["chosen"]
    return tokenizer.apply_chat_template(messages, tokenize=False)


def test_long_pieces_are_not_hoarded():
    """A token of a list of numbers is 36 bytes, so that long texts filled a gigabyte."""
    encode = Encoder(chat_tokenizer("llama3"))
    draw = random.Random(7)
    texts = ["".join(draw.choices("abcdefgh ", k=1900)) for _ in range(60)]
    tracemalloc.start()
    encode(texts)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    ids = sum(map(len, encode._known.values()))
    assert ids > 20_000
    assert held < 8 * ids + 2000 * len(texts)


def test_pieces_are_forgotten_before_they_fill_the_memory(monkeypatch):
    encode, texts = Encoder(chat_tokenizer("llama3")), [f"Day {n}, my uncle." for n in range(500)]
    monkeypatch.setattr("attunement.trainers.lint.encoding.KNOWN_IDS", 200)
    found = [encode([text])[0] for text in texts]
    assert 0 < sum(map(len, encode._known.values())) <= 200
    monkeypatch.undo()
    assert Encoder(chat_tokenizer("llama3"))(texts) == found


def test_a_tokenizer_that_treats_beginnings_differently_is_not_cut():
    from tokenizers import pre_tokenizers

    tokenizer = chat_tokenizer("llama3")
    # Llama's own kind: a mark before the text's first word alone; Q stands for it here.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("Q", "first")
    encode = Encoder(tokenizer)
    texts = ["Day one.<|eot_id|>Night two<|eot_id|>", "Day", "<|eot_id|>Day"]
    found = encode(texts)
    backend = tokenizer.backend_tokenizer
    assert found == [backend.encode(text, add_special_tokens=False).ids for text in texts]
    assert encode._special == {}, "pieces gave other tokens, so that they were given up"


def test_a_tokenizer_without_template_or_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no chat template"):
        load_tokenizer(str(save_tokenizer(tmp_path / "bare", None)))
    with pytest.raises(UserError, match="there is no folder 'nowhere'"):
        load_tokenizer("nowhere")
    with pytest.raises(UserError, match="no folder 'models/nowhere', nor a model of that name"):
        load_tokenizer("models/nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="cannot be loaded"):
        load_tokenizer(str(tmp_path / "empty"))
    without_end = chat_tokenizer("llama3")
    without_end.eos_token = None
    with pytest.raises(UserError, match="no end token"):
        ChatTokenizer(without_end)


def test_tools_and_template_options_of_a_row_reach_the_template(tmp_path):
    rows = pairs(40, seed=1)
    rows[7]["chat_template_kwargs"] = {"refuse": True}
    tokenizer = chat_tokenizer("llama3")
    tokenizer.chat_template = (
        "{% if refuse %}{{ raise_exception('as was asked') }}{% endif %}" + tokenizer.chat_template
    )
    write_lines(tmp_path / "train.jsonl", rows)
    finding = checked(tmp_path, tokenizer)["template-refuses"]
    assert (finding.rows, finding.example) == (("train.jsonl:8",), "as was asked")


def test_options_of_a_row_that_are_none_are_the_rows_fault(tmp_path):
    rows = pairs(40, seed=1)
    rows[0]["chat_template_kwargs"] = "abc"
    rows[1]["tools"] = "{not JSON"
    write_lines(tmp_path / "train.jsonl", rows)
    finding = checked(tmp_path, chat_tokenizer("llama3"))["template-refuses"]
    assert finding.rows == ("train.jsonl:1", "train.jsonl:2")
