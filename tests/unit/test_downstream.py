"""Students without a model: what they may learn from, the classifier, the ranking of answers, and quality numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from core.downstream.classifier import Classifier, drawn, judge
from core.downstream.languages import asked, languages, learned, no_translation
from core.downstream.material import material_of, real_material
from core.downstream.preference import Preference, preferences
from core.downstream.quality import closeness, quality
from core.downstream.scorer import Steps, at_once, finished, part, told
from core.downstream.scorers import SCORERS, fitting, measure_of, scorer_of
from core.downstream.translation import Translation
from core.errors import NotFoundError, StatisticsError
from core.store import Store
from core.tasks import Task, load_task
from tests.unit.small_students import (
    EACH,
    LABELS,
    answers_of,
    embed_rows,
    label_task,
    make_task,
    text_of,
    workshop,
)


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    return label_task(tmp_path, monkeypatch)


# What may be learned


def test_material_holds_answers_to_train_queries_and_real_rows_of_test_queries(task: Task) -> None:
    material = material_of(task, answers_of(task))
    assert {row.query.role for row in material.rows} == {"train"}
    assert [row.text for row in material.test] == [
        text_of("test", label, number, row) for label in LABELS for number in range(2) for row in range(EACH)
    ]


@pytest.mark.parametrize("role", ["probe", "test"])
def test_an_answer_to_another_roles_query_never_trains(task: Task, role: str) -> None:
    query = next(query for query in task.queries if query.role == role)
    with pytest.raises(StatisticsError, match=f"a {role} query of the task 'small', was about to train"):
        material_of(task, [*answers_of(task), (query.id, "something")])


def test_an_answer_to_no_query_never_trains(task: Task) -> None:
    with pytest.raises(StatisticsError, match="no query of the task"):
        material_of(task, [("gone", "something")])


def test_copies_of_held_out_texts_are_left_out_and_counted(task: Task) -> None:
    first = task.with_role("train")[0].id
    copies = [
        (first, text_of("test", "wet", 0, 1).upper() + "!"),  # the same words
        (first, text_of("probe", "dry", 1, 0)),
        (first, task.with_role("probe")[0].text),
        (first, task.with_role("test")[0].text),
    ]
    material = material_of(task, [*copies, *answers_of(task)])
    assert [row.text for row in material.rows] == [text for _, text in answers_of(task)]
    assert (material.copies.test, material.copies.probe, material.copies.overlapping) == (2, 2, 0)


def test_answers_that_share_eight_words_with_a_test_row_are_kept_and_counted(task: Task) -> None:
    first = task.with_role("train")[0].id
    material = material_of(task, [(first, "well, " + text_of("test", "wet", 0, 1) + " indeed")])
    assert (len(material.rows), material.copies.test, material.copies.overlapping) == (1, 0, 1)


def test_nothing_left_to_learn_is_said(task: Task) -> None:
    first = task.with_role("train")[0].id
    with pytest.raises(StatisticsError, match="No answer to a train query of 'small' is left"):
        material_of(task, [(first, text_of("test", "wet", 0, 1))])


def test_a_task_without_test_rows_cannot_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {f"test-{label}-{number}": {"references": []} for label in LABELS for number in range(2)}
    bare = label_task(tmp_path, monkeypatch, "bare", empty)
    with pytest.raises(StatisticsError, match="has no real row for a test query"):
        material_of(bare, answers_of(bare))


def test_the_digest_follows_texts_labels_and_test_rows_and_not_the_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    digest = material_of(task, answers_of(task)).digest
    assert material_of(task, answers_of(task)).digest == digest
    assert material_of(task, answers_of(task, mark="x")).digest != digest
    for query, same in (("probe-wet-0", True), ("test-wet-0", False)):
        other = label_task(tmp_path, monkeypatch, query, {query: {"references": ["quite another row"]}})
        assert (material_of(other, answers_of(other)).digest == digest) is same


def test_the_reference_line_learns_real_train_rows(task: Task) -> None:
    real = real_material(task)
    assert real is not None
    assert {row.text.split()[0] for row in real.rows} == {"train"}


# The classifier


def test_a_classifier_that_sees_the_labels_is_right_and_one_that_does_not_guesses(store: Store, task: Task) -> None:
    given = answers_of(task, 8)
    texts = {text: str(task.by_id[query].label) for query, text in given}
    embed_rows(store, task, texts, clean=1.0)
    found = finished(Classifier().score(material_of(task, given), 0, workshop(store))).values
    assert found == pytest.approx({"classifier": 1.0, "classifier.accuracy": 1.0, "classifier.auroc": 1.0})
    blind = answers_of(task, 8, mark="blind")
    store_texts = {text: LABELS[i % 2] for i, (_, text) in enumerate(blind)}  # vectors that belong to no label
    embed_rows(store, task, store_texts)
    worse = finished(Classifier().score(material_of(task, blind), 0, workshop(store))).values
    assert worse["classifier.auroc"] < 0.95


def test_the_numbers_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    labels = ["a", "b", "c"] * 20
    truth = ["a"] * 10 + ["b"] * 5 + ["c"] * 15
    learned_vectors = rng.normal(size=(60, 4)) + np.array([{"a": 0, "b": 1, "c": 2}[x] for x in labels])[:, None]
    test = rng.normal(size=(30, 4)) + np.array([{"a": 0, "b": 1, "c": 2}[x] for x in truth])[:, None]
    f1, accuracy, area = judge(learned_vectors, labels, test, truth, 1.0)

    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(learned_vectors, labels)
    said = model.predict(test)
    scores = []
    areas = []
    for column, label in enumerate(("a", "b", "c")):
        is_it, says_it = np.array(truth) == label, said == label
        hits = (is_it & says_it).sum()
        scores.append(2 * hits / (is_it.sum() + says_it.sum()))
        chance = model.predict_proba(test)[:, column]
        pairs = [(x > y) + (x == y) / 2 for x in chance[is_it] for y in chance[~is_it]]
        areas.append(np.mean(pairs))
    assert f1 == pytest.approx(np.mean(scores))
    assert accuracy == pytest.approx(np.mean(said == np.array(truth)))
    assert area == pytest.approx(np.mean(areas))


def test_a_label_that_was_never_learned_counts_against_the_score() -> None:
    rng = np.random.default_rng(1)
    f1, accuracy, area = judge(rng.normal(size=(20, 3)), ["a", "b"] * 10, rng.normal(size=(9, 3)), list("abc" * 3), 1.0)
    assert 0.0 <= accuracy <= 2 / 3
    assert f1 <= 2 / 3
    assert math.isfinite(area)


def test_a_seed_draws_as_many_answers_of_every_query_as_it_has(task: Task) -> None:
    rows = material_of(task, answers_of(task, 5)).rows
    draws = [drawn(rows, seed) for seed in range(3)]
    assert draws[0] == drawn(rows, 0)
    assert len({tuple(draw) for draw in draws}) == 3
    for draw in draws:
        counts: dict[str, int] = {}
        for i in draw:
            counts[rows[i].query.id] = counts.get(rows[i].query.id, 0) + 1
        assert counts == {query.id: 5 for query in task.with_role("train")}


def test_one_label_among_the_answers_is_said(store: Store, task: Task) -> None:
    given = [(query, text) for query, text in answers_of(task) if "wet" in query]
    with pytest.raises(StatisticsError, match="only the label 'wet', and a classifier needs two"):
        finished(Classifier().score(material_of(task, given), 0, workshop(store)))


def test_queries_without_a_label_take_no_part(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partly = label_task(
        tmp_path, monkeypatch, "partly", {"train-wet-1": {"label": None}, "test-dry-1": {"label": None}}
    )
    assert Classifier().fits(partly) is None
    given = answers_of(partly, 8)
    # no vector for the answers and rows of the two: they are never asked for
    texts = {text: str(partly.by_id[query].label) for query, text in given if partly.by_id[query].label}
    embed_rows(store, partly, texts)
    found = finished(Classifier().score(material_of(partly, given), 0, workshop(store)))
    assert found.values["classifier"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({f"train-dry-{n}": {"label": "wet"} for n in range(2)}, "has 1 labels on its train queries"),
        ({"test-dry-0": {"label": "soggy"}}, "must be two or more of those of its train queries"),
    ],
)
def test_labels_that_cannot_be_learned_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, dict[str, str]], words: str
) -> None:
    reason = Classifier().fits(label_task(tmp_path, monkeypatch, "other", changed))
    assert reason is not None
    assert words in reason


# Translation and preference


def translating(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    rows = [
        {"id": "p", "role": "probe", "text": "Good night.", "references": ["Bonne nuit."]},
        {"id": "a", "role": "train", "text": "I am cold.", "references": ["J'ai froid."]},
        {"id": "b", "role": "train", "text": "Come here.", "references": ["Viens ici.", "Venez ici."]},
        {"id": "c", "role": "test", "text": "See you soon.", "references": ["À bientôt.", "On se voit bientôt."]},
    ]
    return make_task(folder, monkeypatch, rows, name="speak", template="English: {query}\nFrench:")


def test_back_translation_writes_the_real_source_from_what_the_run_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = translating(tmp_path, monkeypatch)
    material = material_of(task, [("a", "Je suis\nfroid."), ("b", "Viens.")])
    back = learned(task, material.rows, "back")
    assert [(one.prompt, one.response) for one in back] == [
        ("French: Je suis froid.\nEnglish:", "I am cold."),
        ("French: Viens.\nEnglish:", "Come here."),
    ]
    forward = learned(task, material.rows, "forward")
    assert (forward[0].prompt, forward[0].response) == ("English: I am cold.\nFrench:", "Je suis froid.")
    assert [(one.prompt, one.references) for one in asked(task, material.test, "back")] == [
        ("French: À bientôt.\nEnglish:", ("See you soon.",)),
        ("French: On se voit bientôt.\nEnglish:", ("See you soon.",)),
    ]
    assert [(one.prompt, one.references) for one in asked(task, material.test, "forward")] == [
        ("English: See you soon.\nFrench:", ("À bientôt.", "On se voit bientôt."))
    ]


@pytest.mark.parametrize(
    "template", ["Topic: {query}. Hypothesis:", "Question: {query}\nAnswer:", "French: {query}\nFrench:"]
)
def test_only_two_languages_are_a_translation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    rows = [{"id": "p", "role": "probe", "text": "x", "references": ["y"]}]
    task = make_task(tmp_path, monkeypatch, rows, name="no", template=template)
    assert languages(task) is None
    for scorer in (Translation(), Translation("forward"), Preference()):
        assert scorer.fits(task) == no_translation(task)


def test_the_best_and_the_worst_candidate_make_a_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = translating(tmp_path, monkeypatch)
    given = [("a", "J'ai froide."), ("a", "Il pleut dehors."), ("b", "Venez ici."), ("b", " ")]
    pairs = preferences(material_of(task, given))
    assert [(one.prompt, one.chosen, one.rejected) for one in pairs] == [
        ("English: I am cold.\nFrench:", "J'ai froid.", "Il pleut dehors."),
        ("English: Come here.\nFrench:", "Viens ici.", "Venez ici."),
    ]
    assert preferences(material_of(task, [("a", "J'ai froid.")])) == []


def test_quality_is_sacrebleus_and_says_how() -> None:
    found = quality(
        ["the cat sat on the mat", "hello there my friend"], [["the cat sat on the mat"], ["hello there my friend"]]
    )
    assert (found.bleu, found.chrf) == (pytest.approx(100.0), pytest.approx(100.0))
    assert found.signatures[0].startswith("BLEU|nrefs:1|")
    assert found.signatures[1].startswith("chrF|nrefs:1|")
    assert all("version:2.6.0" in one for one in found.signatures)
    uneven = quality(["a cat", "two dogs ran"], [["a cat", "one cat"], ["two dogs ran"]])
    assert uneven.chrf == pytest.approx(100.0)
    with pytest.raises(StatisticsError, match="no translation to judge"):
        quality(["x"], [[]])


def test_chrf_by_hand() -> None:
    # characters without spaces, n-grams to 6, beta 2; "ab" against "abc": precision 1 and 1, recall 2/3 and 1/2
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    assert closeness("ab", ["abc"]) > closeness("a", ["abc"]) > closeness("x", ["abc"]) == 0.0
    assert closeness("ab", ["abc"]) == pytest.approx(100 * 5 * precision * recall / (4 * precision + recall), rel=0.01)


# The list of scorers


def test_scorers_by_name_and_by_task() -> None:
    assert SCORERS == ("classifier", "language-model", "translation", "translation-forward", "preference")
    for name in SCORERS:
        scorer = scorer_of(name)
        assert scorer.name == scorer.measures[0].name == name
        assert json.loads(json.dumps(dict(scorer.recipe())))["scorer"] == name
        for measure in scorer.measures:
            assert measure_of(measure.name) == measure
            assert measure.definition.endswith(".")
    assert measure_of("imported-thing") is None
    assert [scorer.name for scorer in fitting(load_task("hypotheses"))] == ["classifier", "language-model"]
    assert [scorer.name for scorer in fitting(load_task("translation"))] == list(SCORERS[1:])
    with pytest.raises(NotFoundError, match="no scorer named 'x'; the scorers are classifier, language-model"):
        scorer_of("x")


def test_steps_of_a_part_lie_inside_it() -> None:
    def steps() -> Steps[str]:
        yield 0.0
        yield 0.5
        return "end"

    assert list(part(steps(), 0.2, 0.6)) == pytest.approx([0.2, 0.4])
    assert list(told(steps(), 0.3)) == [0.3, 0.3]
    assert [finished(part(steps(), 0.2, 0.6)), finished(told(steps(), 0.3)), finished(at_once(lambda: "end"))] == [
        "end"
    ] * 3
