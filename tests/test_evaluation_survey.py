"""Surveys of recorded corpora as figures: the corpora's own numbers, and what a file may lack."""

import json
from pathlib import Path

import pytest

from attunement.core.errors import RecordingError
from attunement.evaluation import outcome_meter, survey
from attunement.evaluation.figures import Findings
from attunement.evaluation.survey import read_survey


def by_name(findings: Findings) -> dict:
    return {figure.measure.name: figure for figure in findings.figures}


def written(tmp_path: Path, *surveys: dict | None, **line: object) -> Path:
    dialog = [
        {"speaker": "seeker", "content": "I lost my job.", "annotation": line},
        {"speaker": "supporter", "content": "Oh no.", "annotation": {"strategy": "Others"}},
    ]
    rows = [{"dialog": dialog, **({"survey_score": s} if s is not None else {})} for s in surveys]
    path = tmp_path / "some.json"
    path.write_text(json.dumps(rows), "utf-8")
    return path


def scores(before=None, after=None, empathy=None, **supporter: str) -> dict:
    named = {"initial_emotion_intensity": before, "final_emotion_intensity": after,
             "empathy": empathy}  # fmt: skip
    seeker = {key: value for key, value in named.items() if value is not None}
    return {"seeker": seeker, "supporter": supporter}


def test_esconv_as_it_was_published(shared_data):
    found = read_survey(shared_data / "esconv" / "ESConv.json")
    figures = by_name(found)
    relief = figures["relief"]
    assert relief.value == pytest.approx(1.991304, abs=1e-6)
    assert len(relief.parts) == 1150
    assert figures["rating"].value == pytest.approx((4 + 14 + 342 + 1180 + 3650) / 1150)
    assert figures["relevance"].value == pytest.approx((18 + 237 + 1088 + 3950) / 1150)
    # Four of the supporters' scores are "0": they are counted, and no part of the mean.
    own = figures["relevance by supporter"]
    assert own.value == pytest.approx((3 + 24 + 129 + 608 + 4505) / 1111)
    assert len(own.parts) == 1111
    assert figures["unreadable survey scores"].value == pytest.approx(4 / 1300)
    assert figures["survey answered"].value == pytest.approx(1150 / 1300)
    assert figures["relieved"].value == 1
    before, after = found.series[0].points.values()
    assert before.value == pytest.approx(4.061538, abs=1e-6)
    assert after.value == pytest.approx(2.073913, abs=1e-6)
    assert relief.interval().low > 1.9
    assert "esconv-0001" in relief.parts


def test_failed_esconv_has_stars_and_hardly_any_relief(shared_data):
    figures = by_name(read_survey(shared_data / "esconv" / "FailedESConv.json"))
    assert figures["relief"].value == pytest.approx(0.204225, abs=1e-6)
    assert len(figures["relief"].parts) == 142
    assert figures["relieved"].value == pytest.approx(31 / 142)
    stars = figures["rating per reply"]
    assert stars.value == pytest.approx(3.0274, abs=1e-4)
    assert sum(count for _, count in stars.parts.values()) == 987


def test_missing_and_unreadable_scores_are_counted_and_no_zero(tmp_path):
    path = written(
        tmp_path, scores("5", "2", "4", relevance="0"), scores("3"), scores("4", "4", "?")
    )
    figures = by_name(read_survey(path))
    assert figures["relief"].value == 1.5
    assert set(figures["relief"].parts) == {"some-0001", "some-0003"}
    assert figures["relieved"].value == 0.5
    assert figures["rating"].value == 4
    assert figures["survey answered"].value == pytest.approx(2 / 3)
    assert figures["unreadable survey scores"].value == pytest.approx(2 / 3)
    for name in ("relevance", "relevance by supporter", "rating per reply"):
        assert figures[name].value is None
        assert figures[name].why


def test_a_file_without_surveys_is_refused(tmp_path):
    for path in (written(tmp_path, None, None), written(tmp_path, scores())):
        with pytest.raises(RecordingError, match=r"`some\.json` holds no survey scores"):
            read_survey(path)
    with pytest.raises(
        RecordingError, match="dialogue 2: `final_emotion_intensity` must be 1 to 5"
    ):
        read_survey(written(tmp_path, scores("5", "1"), scores("5", "9")))
    with pytest.raises(RecordingError):
        read_survey(tmp_path / "absent.json")


def test_they_stand_beside_a_runs_figures():
    for name in ("RELIEF", "RATING", "EACH_RATING", "INTENSITY"):
        said, lived = getattr(survey, name), getattr(outcome_meter, name)
        assert (said.name, said.family, said.unit, said.better) == (
            lived.name, lived.family, lived.unit, lived.better
        )  # fmt: skip
        assert said.method != lived.method
