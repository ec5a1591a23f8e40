"""Functions on grids with known ranks, for cross approximation.

Each entry of CASES makes (f, shape): f(indices (count, order)) -> values.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]
Case = Callable[[], tuple[Function, list[int]]]
TAU = 2 * np.pi


def hilbert(d: int, n: int) -> tuple[Function, list[int]]:
    """1 / (sum of indices + d)."""
    return lambda i: 1.0 / (i.sum(1) + d), [n] * d


def sum_plus_cos(d: int, n: int) -> tuple[Function, list[int]]:
    """s + cos s of the sum of indices: rank 4."""
    def f(i: np.ndarray) -> np.ndarray:
        s = i.sum(1).astype(float)
        return s + np.cos(s)
    return f, [n] * d


def on_grid(g: Function, d: int, n: int, a: float, b: float) -> tuple[Function, list[int]]:
    """g of points of an even grid."""
    x = np.linspace(a, b, n)
    return lambda i: g(x[i]), [n] * d


def ackley(z: np.ndarray) -> np.ndarray:
    return (-20 * np.exp(-0.2 * np.sqrt((z ** 2).mean(1))) - np.exp(np.cos(TAU * z).mean(1))
            + 20 + np.e)


def rosenbrock(z: np.ndarray) -> np.ndarray:
    return (100 * (z[:, 1:] - z[:, :-1] ** 2) ** 2 + (1 - z[:, :-1]) ** 2).sum(1)


def rastrigin(z: np.ndarray) -> np.ndarray:
    return 10 * z.shape[1] + (z ** 2 - 10 * np.cos(TAU * z)).sum(1)


def genz(kind: str, d: int = 8, n: int = 15) -> tuple[Function, list[int]]:
    """The six families of A. Genz on Gauss nodes, with one draw of their parameters."""
    rng = np.random.default_rng(7)
    u, c = rng.random(d), rng.random(d)
    difficulty = {"oscillatory": 9.0, "product_peak": 7.25, "corner_peak": 1.85, "gaussian": 7.03,
                  "continuous": 20.4, "discontinuous": 4.3}
    c = c / c.sum() * difficulty[kind]
    x = (np.polynomial.legendre.leggauss(n)[0] + 1) / 2
    families: dict[str, Function] = {
        "oscillatory": lambda z: np.cos(TAU * u[0] + z @ c),
        "product_peak": lambda z: np.prod(1 / (c ** -2.0 + (z - u) ** 2), axis=1),
        "corner_peak": lambda z: (1 + z @ c) ** -(d + 1.0),
        "gaussian": lambda z: np.exp(-((c * (z - u)) ** 2).sum(1)),
        "continuous": lambda z: np.exp(-(c * np.abs(z - u)).sum(1)),
        "discontinuous": lambda z: np.where(
            (z[:, 0] > u[0]) | (z[:, 1] > u[1]), 0, np.exp(z @ c)),
    }
    return lambda i: families[kind](x[i]), [n] * d


def quantics_peak(bits: int = 30) -> tuple[Function, list[int]]:
    """exp(-x) with a peak of width 1e-3 at 0.3, in binary digits of x."""
    powers = 0.5 ** np.arange(1, bits + 1)

    def f(i: np.ndarray) -> np.ndarray:
        x = i @ powers
        return np.exp(-x) + np.exp(-((x - 0.3) * 1e3) ** 2)
    return f, [2] * bits


def oscillating(d: int = 5) -> tuple[Function, list[int]]:
    """1 + a + cos((1 + a + 2.11 b + a b) pi), a = sum c x_c, b = sum x_c^2 / c, on 15 Kronrod nodes."""
    half = np.array([0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
                     0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
                     0.586087235467691130294144691693013, 0.405845151377397166906606412076961,
                     0.207784955007898467600689403773245])
    x = (np.concatenate([-half, [0.0], half[::-1]]) + 1) / 2
    c = np.arange(1, d + 1)

    def f(i: np.ndarray) -> np.ndarray:
        z = x[i]
        a, b = (z * c).sum(1), (z ** 2 / c).sum(1)
        return 1 + a + np.cos((1 + a + 2.11 * b + a * b) * np.pi)
    return f, [15] * d


CASES: dict[str, Case] = {
    "ackley_d10": lambda: on_grid(ackley, 10, 16, -32.768, 32.768),
    "exp_root_d10": lambda: on_grid(lambda z: np.exp(-np.sqrt((z ** 2).sum(1))), 10, 16, 0, 1),
    **{f"genz_{kind}_d8": (lambda kind=kind: genz(kind)) for kind in (
        "continuous", "corner_peak", "discontinuous", "gaussian", "oscillatory", "product_peak")},
    "hilbert_d20": lambda: hilbert(20, 20),
    "qtt_peak_2^30": quantics_peak,
    "rastrigin_d10": lambda: on_grid(rastrigin, 10, 16, -5.12, 5.12),
    "rastrigin_d100": lambda: on_grid(rastrigin, 100, 16, -5.12, 5.12),
    "rosenbrock_d10": lambda: on_grid(rosenbrock, 10, 16, -2.048, 2.048),
    "rosenbrock_d50": lambda: on_grid(rosenbrock, 50, 16, -2.048, 2.048),
    "sine_sum_d100": lambda: on_grid(lambda z: np.sin(z.sum(1)), 100, 16, 0, 1),
    "sum_plus_cos_d5": lambda: sum_plus_cos(5, 10),
    "gk15_d5": oscillating,
}
