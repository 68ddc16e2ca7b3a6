"""Errors say what broke and what to do, and survive the way from one process to another."""

import pickle

import pytest

from orchestration_assets.errors import AccordError, BlockedError, FatalError, RetriableError


@pytest.mark.parametrize("kind", [AccordError, BlockedError, FatalError, RetriableError])
def test_an_error_is_the_same_in_another_process(kind: type[AccordError]) -> None:
    error = kind("It broke.", "mend it.")
    told = pickle.loads(pickle.dumps(error))
    assert type(told) is kind
    assert (told.message, told.next_step, str(told)) == ("It broke.", "mend it.", str(error))


def test_a_wait_comes_along() -> None:
    error = RetriableError("It is busy.", "wait.", retry_after=2.5)
    assert pickle.loads(pickle.dumps(error)).retry_after == 2.5
