"""Make the word list of the out-of-vocabulary rate: `python assets/models/train/make_vocabulary.py`.

Words are those of `core.measures.wording.words`, so the list and the metric agree on what a word is.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path

from core.measures.wording import words

REPOSITORY = Path(__file__).resolve().parents[3]


def main() -> None:
    """Count the corpus and write the list and its card."""
    parser = argparse.ArgumentParser(description="Make the word list of the out-of-vocabulary rate.")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "assets" / "vocabulary")
    parser.add_argument("--at-least", type=int, default=5, help="occurrences that a listed word has")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    documents = 0
    with gzip.open(options.data / "base-corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            documents += 1
            counts.update(word for word in words(json.loads(line)["text"]) if is_spelled(word))
    kept = sorted(word for word, count in counts.items() if count >= options.at_least)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "words.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    total = sum(counts.values())
    share = sum(counts[word] for word in kept) / total
    (options.out / "README.md").write_text(card(documents, total, len(kept), share, options.at_least), "utf-8")
    print(f"{len(kept):,} words, {share:.2%} of {total:,} running words")


def is_spelled(word: str) -> bool:
    """Whether a word is letters and inner apostrophes only: digits are never counted as unknown anyway."""
    return word.replace("'", "").isalpha()


def card(documents: int, total: int, kept: int, share: float, at_least: int) -> str:
    """What the list is, for its folder."""
    return f"""# Word list of the out-of-vocabulary rate

`words.txt`: one word a line, lower case, sorted, UTF-8. English, with the French of the translation pairs.

| | |
|---|---:|
| documents read | {documents:,} |
| running words of letters | {total:,} |
| words that occur at least {at_least} times, listed here | {kept:,} |
| share of the running words that they cover | {share:.2%} |

Source: the corpus that the bundled base model was trained on (public-domain books, abstracts, dialogues, simple
sentences, questions, comments, English-French pairs; slurs filtered from the comments). A list of single words and
their presence is no copy of those texts. A word that real rows use and that is not listed counts as known as well,
because the metric adds the words of the task's own rows.

Made by `assets/models/train/make_vocabulary.py`. Licence of the list: Apache-2.0.
"""


if __name__ == "__main__":
    main()
