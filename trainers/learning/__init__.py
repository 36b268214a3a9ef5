"""Learning: SFT and DPO with LoRA adapters, on corpora that hold."""
