"""Each seam against the public route: the same requests, the same values, the same errors."""

import collections

import corpus
import pytest
from host import HostFailure, Worker

SEAMS = (
    "serde",
    "fast_lm",
    "type_adapters",
    "signature_fields",
    "system_messages",
    "adapter_choice",
    "settings_context",
)


def record(seams):
    """What every case of the corpus asks and gets in one worker."""
    asked = collections.defaultdict(list)

    def lm(payload):
        name = payload["endpoint"]
        answers = corpus.replies[name]
        reply = answers[min(len(asked[name]), len(answers) - 1)]
        asked[name].append(payload["request"])
        if isinstance(reply, dict) and "error" in reply:
            raise HostFailure(reply["error"]["code"], reply["error"]["message"], **reply["error"]["details"])
        return reply

    with Worker(lm=lm, seams=seams) as worker:
        for name, state in worker.ready["seams"].items():
            assert state == ("off" if seams.get(name) is False else "on")
        # Twice: a cache shows in the second run.
        got = {}
        for name in corpus.cases:
            lms = {"name": name, "config": {"temperature": 0.5}}
            outcomes = []
            for _ in range(2):
                answered = len(asked[name])
                outcome, value, info = worker.answer(worker.start("corpus:run", [name], lm=lms))
                calls, usage = (info["lmCalls"], info["usage"]) if info else (None, value)
                outcomes.append((outcome, value, calls, usage, asked[name][answered:]))
                asked[name].clear()
            got[name] = outcomes
        return got


@pytest.fixture(scope="module")
def public():
    """The corpus by public names alone."""
    return record(dict.fromkeys(SEAMS, False))


def test_the_corpus_is_worth_its_name(public):
    outcomes = [outcome for both in public.values() for outcome in both]
    assert len(public) > 100
    assert all(outcome == "result" for outcome, *_ in outcomes)
    assert sum(len(asked) for *_, asked in outcomes) > 150


def test_all_seams_together_change_nothing(public):
    compare(record({}), public)


@pytest.mark.parametrize("seam", SEAMS)
def test_a_seam_alone_changes_nothing(public, seam):
    compare(record({name: name == seam for name in SEAMS}), public)


def compare(got, expected):
    assert {name: pair for name, pair in got.items() if pair != expected[name]} == {}
