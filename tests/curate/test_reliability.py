"""Forecasts of scores beside what came true."""

from __future__ import annotations

import numpy as np
import pytest

from entp.curate.reliability import calibration_error, reliability_table


def test_forecasts_are_grouped_by_what_they_promise():
    predicted = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    table = reliability_table(predicted, np.array([0, 0, 1, 1]))
    assert table.rows() == [
        (0.1, pytest.approx(1 / 3, abs=1e-6), 3),
        (0.2, 0.0, 1),
        (0.8, 1.0, 1),
        (0.9, pytest.approx(2 / 3, abs=1e-6), 3),
    ]
    assert calibration_error(table) == pytest.approx((3 * 0.23333 + 0.2 + 0.2 + 3 * 0.23333) / 8, abs=1e-3)
