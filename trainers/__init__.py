"""Learning: training corpora and what checks them."""
