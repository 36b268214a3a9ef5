"""A tiny Llama with random weights, its own tokenizer and chat template, and a LoRA adapter.

    python -m tests.tiny_llama FOLDER

makes FOLDER/model and FOLDER/adapter. It talks nonsense, but it reads its prompt, ends some of its
answers, and every loader of Hugging Face folders takes it (a head size of 32 is vLLM's smallest).
"""

import argparse
import warnings
from pathlib import Path

import torch

CONTEXT = 2048
"""Tokens of prompt and answer together."""
SPECIAL = ("<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{{ '<|begin|>' }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The end token stands right after each text, so that it is trained with an assistant's."""
SENTENCES = (
    "I hear how heavy this has been for you, and I am glad that you came to talk.",
    "My boss wants me gone. I work nights and I make mistakes.",
    "What happened before you felt like this? What would help you most right now?",
    "Maybe it would be worth trying to write down one small step for tomorrow.",
    '{"stage": "Exploration", "strategy": "Question", "reason": "to understand the situation"}',
)
WORDS = """
about ahead alive all alone aloud among and anger another anxiety any anything are back because
before bit come conscientiousness crisis curious depression dialogue disclosed disclosure disgust
does draft each easily else emotion emotional every familiar feel feeling feelings first for from
gentle give good hard has hat have help helps her him how ideas instruction intensity its jealousy
keep leave life like list little lives long makes may more much needs nervousness never next nobody
not nothing now null number object one only open order others out over parents people person plan
private quickly rating reason reflection replies reply sadness said same say school seeker sentence
sentences several she should slowly small somebody something sound speak speakers stage stands
steadily strategy strength supporter take takes talk talking tell that the their them then there
they thing things think this three through time told trust two understand until very was way what
when where which who whole with without word words worry worse would years you your yourself
Affirmation and Reassurance, Providing Suggestions, Reflection of feelings, Self-disclosure,
Restatement or Paraphrasing, Information, Others, Question; Exploration, Comforting, Action.
"""
"""What prompts are made of: without it a real one would not fit into the context."""
VOCABULARY = 1000


def make_model(folder: Path, seed: int = 0) -> Path:
    """Write model, tokenizer and generation config into `folder`; the same every time."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer()
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("begin", "end", "pad")}
    special = {"bos_token_id": ids["begin"], "eos_token_id": ids["end"], "pad_token_id": ids["pad"]}
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=CONTEXT,
        initializer_range=0.1, tie_word_embeddings=False, dtype="float32", **special,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    with torch.no_grad():  # louder ends of answers and of strings: there would hardly ever be one
        for token in (ids["end"], tokenizer.convert_tokens_to_ids('"')):
            model.lm_head.weight[token] *= 2
    model.generation_config = GenerationConfig(do_sample=True, **special)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer():
    """A byte-level BPE tokenizer: any text comes back as it went in."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    bpe.train_from_iterator([*SENTENCES, WORDS], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<|pad|>", bos_token="<|begin|>", eos_token="<|end|>",
        padding_side="left", model_max_length=CONTEXT, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_adapter(folder: Path, model: Path, seed: int = 1) -> Path:
    """Write a LoRA adapter for `model` into `folder`: random, and loud enough to be heard."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft asks transformers for a name that is to go
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        torch.manual_seed(seed)
        adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(model), lora)
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.2)
    adapted.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make FOLDER/model and FOLDER/adapter.")
    parser.add_argument("folder", type=Path)
    target = parser.parse_args().folder
    print(make_model(target / "model"), make_adapter(target / "adapter", target / "model"))
