"""Training corpora: pairs and examples from runs, from mining, from recorded dialogues."""
