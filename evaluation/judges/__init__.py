"""What models and people judge, how far they agree, and how biased they are."""
