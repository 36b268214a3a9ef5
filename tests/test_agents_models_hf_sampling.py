"""Sampling by row: what transformers' own warpers do, drawn exactly, and each row by its seed."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from attunement.agents.models.hf_sampling import NEVER, Row, RowSampler, RowStops  # noqa: E402

CPU = torch.device("cpu")
VOCABULARY = 60


def warped_by_transformers(ids, scores, row):
    """The scores of one row, as `generate` would make them with this row's decoding."""
    chain = transformers.LogitsProcessorList()
    if row.penalty != 1:
        chain.append(transformers.RepetitionPenaltyLogitsProcessor(row.penalty))
    chain.append(transformers.TemperatureLogitsWarper(row.temperature))
    if row.top_k:
        chain.append(transformers.TopKLogitsWarper(row.top_k))
    if row.top_p < 1:
        chain.append(transformers.TopPLogitsWarper(row.top_p))
    return chain(ids[None], scores[None])[0]


DECODINGS = [
    {"temperature": 0.7, "top_p": 0.8, "top_k": 5, "penalty": 1.3},
    {"temperature": 1.5},
    {"temperature": 1.0, "top_p": 0.3, "top_k": 500},
    {"temperature": 0.2, "top_p": 0.95, "penalty": 2.0},
    {"temperature": 2.0, "top_k": 1},
    {"temperature": 0.9, "top_p": 1e-6},
]


def test_each_row_is_warped_as_transformers_would_warp_it_alone():
    maker = torch.Generator().manual_seed(3)
    for _ in range(20):
        scores = torch.randn(len(DECODINGS), VOCABULARY, generator=maker) * 4
        ids = torch.randint(0, VOCABULARY, (len(DECODINGS), 9), generator=maker)
        rows = [Row(ids[i].tolist(), 8, **d) for i, d in enumerate(DECODINGS)]
        mine = RowSampler(rows, [1], CPU).warp(ids, scores.clone())
        for i, row in enumerate(rows):
            theirs = warped_by_transformers(ids[i], scores[i].clone(), row)
            torch.testing.assert_close(mine[i].softmax(-1), theirs.softmax(-1))
            assert torch.equal(mine[i] == NEVER, theirs == NEVER)


def test_the_penalty_follows_the_answer_and_spares_the_padding():
    rows = [Row([5, 6, 7], 8, penalty=2.0), Row([8], 8, penalty=2.0)]
    sampler = RowSampler(rows, [1], CPU)
    flat = torch.full((2, VOCABULARY), 4.0)
    ids = torch.tensor([[5, 6, 7], [1, 1, 8]])
    sampler.warp(ids, flat)
    ids = torch.cat([ids, torch.tensor([[9], [10]])], dim=1)
    found = sampler.warp(ids, flat)
    assert torch.where(found[0] == 2)[0].tolist() == [5, 6, 7, 9]
    assert torch.where(found[1] == 2)[0].tolist() == [8, 10]


def test_the_draw_follows_the_softmax():
    """20,000 rows with seeds of their own; each share within four standard errors."""
    count, scores = 20_000, torch.tensor([2.0, 1.0, 0.0, -1.0, NEVER])
    rows = [Row([0], 1, seed=seed, temperature=0.8) for seed in range(count)]
    drawn = RowSampler(rows, [1], CPU)(torch.zeros(count, 1).long(), scores.repeat(count, 1))
    shares = torch.bincount(drawn.argmax(-1), minlength=5) / count
    wanted = (scores / 0.8).softmax(-1)
    error = (wanted * (1 - wanted) / count).sqrt()
    assert bool(((shares - wanted).abs() <= 4 * error).all()), (shares, wanted)


def test_steps_of_one_row_are_drawn_independently():
    count, flat = 4000, torch.zeros(1, 2)
    sampler = RowSampler([Row([0], count, seed=5)], [1], CPU)
    ids = torch.zeros(1, 1).long()
    draws = torch.tensor([int(sampler(ids, flat.clone()).argmax()) for _ in range(count)])
    same = (draws[1:] == draws[:-1]).float().mean()
    assert abs(float(same) - 0.5) < 4 * 0.5 / count**0.5


def test_a_row_with_temperature_0_takes_the_likeliest_beside_rows_that_draw():
    maker = torch.Generator().manual_seed(1)
    rows = [Row([0], 1, seed=i, temperature=0.0 if i % 2 else 2.0, top_k=2) for i in range(200)]
    scores = torch.randn(200, VOCABULARY, generator=maker)
    drawn = RowSampler(rows, [1], CPU)(torch.zeros(200, 1).long(), scores.clone()).argmax(-1)
    likeliest = scores.argmax(-1)
    assert torch.equal(drawn[1::2], likeliest[1::2])
    assert not torch.equal(drawn[::2], likeliest[::2])


def test_a_rows_draws_do_not_depend_on_its_neighbours():
    scores = torch.randn(3, VOCABULARY, generator=torch.Generator().manual_seed(2))
    rows = [Row([0], 1, seed=9), Row([0], 1, seed=8, top_p=0.5), Row([0], 1, seed=7, top_k=3)]
    ids = torch.zeros(3, 1).long()
    together = RowSampler(rows, [1], CPU)(ids, scores.clone())
    for i, row in enumerate(rows):
        alone = RowSampler([row], [1], CPU)(ids[:1], scores[i : i + 1].clone())
        torch.testing.assert_close(together[i], alone[0])


def test_rows_end_at_their_limit_or_when_nobody_waits():
    gone = []
    rows = [Row([0, 0], 1), Row([0], 3), Row([0], 9, dropped=lambda: bool(gone))]
    stops = RowStops(rows, CPU)
    seen = [stops(torch.zeros(3, 2 + step).long(), None).tolist() for step in (1, 2)]
    gone.append(True)
    seen.append(stops(torch.zeros(3, 5).long(), None).tolist())
    assert seen == [[True, False, False], [True, False, False], [True, True, True]]


class Only:
    """A guide that allows one token, and notes what came."""

    def __init__(self, token):
        self.token, self.heard = token, []

    def allow(self, token):
        self.heard.append(token)
        words = torch.zeros(2, dtype=torch.int32)
        words[self.token // 32] = 1 << (self.token % 32) if self.token % 32 < 31 else -(2**31)
        return words


@pytest.mark.parametrize("token", [0, 31, 32, 59])
def test_a_guide_rules_out_every_other_token_in_its_row_alone(token):
    guide = Only(token)
    rows = [Row([0], 5, guide=guide, top_p=0.5), Row([0], 5)]
    sampler = RowSampler(rows, [1], CPU)
    ids = torch.zeros(2, 1).long()
    for step in range(3):
        scores = sampler.warp(ids, torch.randn(2, VOCABULARY))
        assert torch.where(scores[0] > NEVER)[0].tolist() == [token]
        assert bool((scores[1] > NEVER).all())
        ids = torch.cat([ids, torch.tensor([[token], [step]])], dim=1)
    assert guide.heard == [None, token, token]


def test_a_guide_hears_nothing_after_its_rows_end():
    guide = Only(7)
    rows = [Row([0], 5, guide=guide), Row([0], 5)]
    sampler = RowSampler(rows, [1], CPU)
    for ids in ([[0], [0]], [[0, 7], [0, 3]], [[0, 7, 1], [0, 3, 3]], [[0, 7, 1, 1], [0, 3, 3, 3]]):
        scores = sampler.warp(torch.tensor(ids), torch.zeros(2, VOCABULARY))
    assert guide.heard == [None, 7]
    assert bool((scores[0] > NEVER).all())
