"""Encoders: by hand, and on tiny models with random weights that the tests make."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from attunement.core.errors import ConfigError
from attunement.evaluation.encoder import (
    TokenEncoder,
    bert_scores,
    drift,
    greedy_match,
    load_encoder,
    similarities,
)

pytest.importorskip("transformers")

TEXTS = ["i hear how hard this is", "what happened at work", "and", "how hard this work is for you"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(" ".join(TEXTS).split())]


def make_bert(folder: Path) -> Path:
    """A tiny BERT with random weights, whose words are tokens."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=32).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder


def lay_out(folder: Path, model: Path, mode: str, *more: str) -> Path:
    """The model in the layout of sentence-transformers."""
    folder.mkdir()
    shutil.copytree(model, folder / "0_Transformer")
    layers = {"Transformer": "0_Transformer", "Pooling": "1_Pooling"} | {m: f"2_{m}" for m in more}
    listed = [
        {"type": f"sentence_transformers.models.{name}", "path": path}
        for name, path in layers.items()
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    modes = {f"pooling_mode_{name}": name == mode for name in ("cls_token", "mean_tokens", "max")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes | {"word_dimension": 16}))
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return make_bert(tmp_path_factory.mktemp("models") / "bert")


def last_layer(folder: Path, text: str) -> np.ndarray:
    """What the model makes of a text alone, the tokenizer's own tokens among them."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        given = tokenizer(text, return_tensors="pt")
        return AutoModel.from_pretrained(folder).eval()(**given).last_hidden_state[0].numpy()


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


# ---- by hand ------------------------------------------------------------------------------------


WAYS = {"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (0.6, 0.8)}


class Planar:
    """An encoder of known vectors: a text's tokens are letters with a direction each."""

    name = "planar"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([unit(np.sum([WAYS[x] for x in text], axis=0)) for text in texts])

    def embed_tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.array([WAYS[x] for x in text]).reshape(-1, 2) for text in texts]


def test_bert_score_by_hand():
    # a is nearest to a (1), c to b (0.8): precision 0.9. The recorded b is nearest to c (0.8), and
    # both of its a to a (1): recall 2.8 / 3.
    precision, recall, f1 = bert_scores(Planar(), ["ac"], ["aab"])[0]
    assert precision == pytest.approx(0.9)
    assert recall == pytest.approx(2.8 / 3)
    assert f1 == pytest.approx(2 * 0.9 * (2.8 / 3) / (0.9 + 2.8 / 3))


def test_similarity_by_hand():
    assert similarities(Planar(), ["a", "c", "a"], ["b", "b", "aa"]) == pytest.approx([0, 0.8, 1])
    assert similarities(Planar(), [], []).shape == (0,)
    assert bert_scores(Planar(), [], []).shape == (0, 3)


def test_a_side_without_tokens_matches_nothing():
    assert greedy_match(np.zeros((0, 2)), np.eye(2)) == (0, 0, 0)
    assert greedy_match(np.eye(2), np.zeros((0, 2))) == (0, 0, 0)
    assert greedy_match(np.array([[1.0, 0]]), np.array([[0, 1.0]])) == (0, 0, 0)


def test_drift_by_hand():
    one = np.array([[1.0, 0], [0, 1.0]])
    assert drift(one, one[::-1]) == pytest.approx(0)
    assert drift(one, np.array([[1.0, 0]])) == pytest.approx(1 - np.sqrt(0.5))
    assert drift(one, -one) == pytest.approx(2)
    assert np.isnan(drift(one, one[:0]))
    assert np.isnan(drift(one, np.array([[1.0, 0], [-1.0, 0]])))


# ---- models -------------------------------------------------------------------------------------


def test_the_mean_of_a_text_is_that_of_its_tokens_whatever_stands_beside_it(bert):
    encoder = load_encoder(bert)
    found = encoder.embed(TEXTS)
    expected = [unit(last_layer(bert, text).mean(0)) for text in TEXTS]
    assert found == pytest.approx(np.array(expected), abs=1e-5)
    assert encoder.name == "bert (mean)"


def test_token_vectors_leave_out_what_the_tokenizer_adds(bert):
    found = load_encoder(bert, batch=2).embed_tokens(TEXTS)
    assert [len(rows) for rows in found] == [len(text.split()) for text in TEXTS]
    for rows, text in zip(found, TEXTS, strict=True):
        assert rows == pytest.approx(unit(last_layer(bert, text)[1:-1]), abs=1e-5)


def test_identical_texts_are_as_near_as_can_be_and_others_are_not(bert):
    encoder = load_encoder(bert)
    assert isinstance(encoder, TokenEncoder)
    assert similarities(encoder, TEXTS, TEXTS) == pytest.approx(1, abs=1e-6)
    assert bert_scores(encoder, TEXTS, TEXTS) == pytest.approx(1, abs=1e-6)
    assert similarities(encoder, TEXTS[:1], TEXTS[1:2])[0] < 0.999
    assert (bert_scores(encoder, TEXTS[:1], TEXTS[1:2]) < 0.999).all()


def test_bert_score_of_a_model_is_greedy_matching_of_its_tokens(bert):
    ours, theirs = (unit(last_layer(bert, text)[1:-1]) for text in (TEXTS[0], TEXTS[3]))
    near = ours @ theirs.T
    precision, recall, f1 = bert_scores(load_encoder(bert), [TEXTS[0]], [TEXTS[3]])[0]
    assert precision == pytest.approx(near.max(1).mean(), abs=1e-5)
    assert recall == pytest.approx(near.max(0).mean(), abs=1e-5)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_an_empty_text_is_zeros(bert):
    encoder = load_encoder(bert)
    assert encoder.embed(["", " ", "and"]).any(1).tolist() == [False, False, True]
    assert [len(rows) for rows in encoder.embed_tokens(["", "and"])] == [0, 1]
    assert encoder.embed([]).shape == (0, 16)
    assert bert_scores(encoder, [""], ["and"]).tolist() == [[0, 0, 0]]


def test_a_long_text_is_cut_at_what_the_model_can_read(bert):
    (rows,) = load_encoder(bert).embed_tokens(["and " * 100])
    assert len(rows) == 30  # 32 places, less what stands before and behind


def test_sentence_transformers_pooling_is_heeded(bert, tmp_path):
    first = load_encoder(lay_out(tmp_path / "first", bert, "cls_token", "Normalize"))
    assert first.embed(TEXTS) == pytest.approx(
        np.array([unit(last_layer(bert, text)[0]) for text in TEXTS]), abs=1e-5
    )
    mean = load_encoder(lay_out(tmp_path / "mean", bert, "mean_tokens"))
    assert mean.embed(TEXTS) == pytest.approx(load_encoder(bert).embed(TEXTS), abs=1e-6)


def test_a_layout_that_is_not_known_is_refused(bert, tmp_path):
    with pytest.raises(ConfigError, match=r"'max'|pooling_mode_max"):
        load_encoder(lay_out(tmp_path / "max", bert, "max"))
    with pytest.raises(ConfigError, match="unknown layer 'Dense'"):
        load_encoder(lay_out(tmp_path / "dense", bert, "mean_tokens", "Dense"))
    broken = lay_out(tmp_path / "broken", bert, "mean_tokens")
    (broken / "1_Pooling" / "config.json").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_encoder(broken)


def test_a_chat_model_is_an_encoder_too(tmp_path):
    from tests.tiny_llama import make_model

    encoder = load_encoder(make_model(tmp_path / "llama"))
    texts = ["I hear how heavy this is.", "Yes.", "What happened before?"]
    alone = np.concatenate([encoder.embed([text]) for text in texts])
    assert encoder.embed(texts) == pytest.approx(alone, abs=1e-5)
    assert similarities(encoder, texts, texts) == pytest.approx(1, abs=1e-6)


def test_a_folder_without_a_model_is_the_users_mistake(tmp_path):
    with pytest.raises(ConfigError, match="is no folder"):
        load_encoder(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_encoder(tmp_path)


def test_a_missing_package_says_what_to_install(bert, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install 'attunement\[hf\]'"):
        load_encoder(bert)
