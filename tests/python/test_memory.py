"""Large results: arrays like any other, whose memory is used again only when they are gone."""

import threading

import numpy as np
import pytest

import lazy

SIZES = [10, 1 << 14, (1 << 14) + 1, 1 << 17, 1_000_003]


@lazy.jit
def double(x):
    return 2 * x + 1


@pytest.mark.parametrize("size", SIZES)
def test_results_own_their_memory(size):
    result = double(np.arange(size, dtype=float))
    assert result.flags.owndata and result.flags.writeable and result.base is None
    held = [double(np.full(size, float(i))) for i in range(5)]
    for i, array in enumerate(held):
        assert (array == 2 * i + 1).all()
    np.testing.assert_array_equal(result, 2.0 * np.arange(size) + 1)


def test_a_result_can_be_resized():
    result = double(np.arange(100_000, dtype=float))
    result.resize(300_000, refcheck=False)
    np.testing.assert_array_equal(result[:100_000], 2.0 * np.arange(100_000) + 1)
    assert not result[100_000:].any()
    result.resize(50, refcheck=False)
    np.testing.assert_array_equal(result, 2.0 * np.arange(50) + 1)


def test_other_arrays_keep_numpys_allocator():
    double(np.ones(1 << 17))
    get_handler_name = np._core.multiarray.get_handler_name
    assert get_handler_name(np.ones(1 << 17)) == "default_allocator"
    assert get_handler_name(double(np.ones(1 << 17))) == "lazy"


def test_results_may_be_freed_by_any_thread():
    x = np.ones(200_000)
    wrong = []

    def work(results):
        for _ in range(50):
            results.append(double(x))
            if not (results[-1] == 3).all():
                wrong.append(results[-1])
            if len(results) > 3:
                results.pop(0)

    shared: list[np.ndarray] = []
    threads = [threading.Thread(target=work, args=(shared,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
