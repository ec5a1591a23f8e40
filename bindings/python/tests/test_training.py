"""Training with few bits: against a composition in NumPy, differences, and packed storage."""

import numpy as np
import pytest
import ttkit as tk

TRAIN = "train(rows=3x4, columns=4x5, rank=6)"


def made(spec=TRAIN, dtype=np.float64, seed=0, bits=4, **options):
    """A training, and arrays to call it with."""
    layer = tk.Linear.initialize(spec, 20, 12, dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    cores = [core.copy() for core in layer.cores]
    scales = [dtype(np.abs(core).max() / (2 ** (bits - 1) - 1) * 0.8) for core in cores]
    x = rng.normal(size=(7, 20)).astype(dtype)
    return tk.QuantizedTraining(layer, bits, **options), cores, scales, x


def composed(x, cores, scales, bits, activation_bits=8, input_scale=None, output_scale=None, bias=None):
    """The same in NumPy: four cores, j0 j1 of the columns, i0 i1 of the rows."""
    a, b, c, d = (tk.fake_quantize(core, s, bits) for core, s in zip(cores, scales))
    if input_scale is not None:
        x = tk.fake_quantize(x, input_scale, activation_bits)
    weight = np.einsum("ajb,bkc,cld,dme->lmjk", a, b, c, d, optimize=True).reshape(12, 20)
    y = x @ weight.T + (0 if bias is None else bias)
    return y if output_scale is None else tk.fake_quantize(y, output_scale, activation_bits)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [
    {}, {"input_scale": 0.03}, {"output_scale": 0.01}, {"bias": True},
    {"input_scale": 0.03, "output_scale": 0.01, "bias": True},
])
def test_forward_is_the_composition(dtype, given):
    training, cores, scales, x = made(dtype=dtype)
    if "bias" in given:
        given = {**given, "bias": np.linspace(-1, 1, 12).astype(dtype)}
    y = training(x.reshape(1, 7, 20), cores, scales, **given)
    wanted = composed(x, cores, scales, 4, **given)
    assert y.shape == (1, 7, 12) and y.dtype == dtype
    # Sums in another order; next to a border an output may round to the next level.
    far = np.abs(y[0] - wanted)
    close = far <= 40 * np.finfo(dtype).eps * np.abs(wanted).max()
    if "output_scale" not in given:
        assert close.all()
    else:
        assert close.mean() > 0.95 and far.max() <= 1.01 * given["output_scale"]


def surrogate(x, cores, scales, given, bits, anchor):
    """The pass with each rounding replaced by its surrogate around `anchor`: clamp(v/s) s plus what rounding
    moved the anchor by, in units of its step. Its derivatives are what the vjp promises (rule "plain")."""
    def soft(value, scale, at, at_scale, width):
        low, high = -2 ** (width - 1), 2 ** (width - 1) - 1
        base = np.clip(at / at_scale, low, high)
        moved = np.round(base) - base
        inside = (at / at_scale >= low) & (at / at_scale <= high)
        return np.where(inside, value + moved * scale, base * scale)

    ax, acores, ascales, agiven = anchor
    rounded = [soft(c, s, ac, as_, bits) for c, s, ac, as_ in zip(cores, scales, acores, ascales)]
    if "input_scale" in given:
        x = soft(x, given["input_scale"], ax, agiven["input_scale"], 8)
    weight = np.einsum("ajb,bkc,cld,dme->lmjk", *rounded, optimize=True).reshape(12, 20)
    y = x @ weight.T + given.get("bias", 0)
    if "output_scale" in given:
        exact = composed(ax, acores, ascales, bits, input_scale=agiven.get("input_scale"),
                         bias=agiven.get("bias"))
        y = soft(y, given["output_scale"], exact, agiven["output_scale"], 8)
    return y


@pytest.mark.parametrize("names", [(), ("input_scale", "output_scale", "bias")])
def test_gradients_are_those_of_the_surrogate(names):
    training, cores, scales, x = made(rule="plain")
    rng = np.random.default_rng(5)
    values = {"input_scale": np.float64(0.015), "output_scale": np.float64(0.004), "bias": rng.normal(size=12) / 9}
    given = {name: values[name] for name in names}
    y, saved = training.forward(x, cores, scales, **given)
    grad = rng.normal(size=y.shape)
    found = training.vjp(saved, grad)
    anchor = (x, cores, scales, given)
    assert (np.abs(x / 0.015) > 127).any()  # some inputs are clipped

    def value(step, direction):
        dx, dcores, dscales, dgiven = direction
        return np.sum(grad * surrogate(
            x + step * dx, [c + step * d for c, d in zip(cores, dcores)],
            [s + step * d for s, d in zip(scales, dscales)],
            {k: v + step * dgiven[k] for k, v in given.items()}, 4, anchor))

    zero = (0 * x, [0 * c for c in cores], [0.0 for _ in scales], {k: 0 * v for k, v in given.items()})
    checks = [(found.x, 0, None, x)]
    checks += [(found.cores[k], 1, k, cores[k]) for k in range(4)]
    checks += [(found.scales[k], 2, k, scales[k]) for k in range(4)]
    checks += [(getattr(found, name), 3, name, given[name]) for name in names]
    for gradient, place, key, array in checks:
        direction = [list(part) if isinstance(part, list) else dict(part) if isinstance(part, dict) else part
                     for part in zero]
        d = rng.normal(size=np.shape(array)) * np.abs(array).max()
        if key is None:
            direction[place] = d
        else:
            direction[place][key] = d
        step = 1e-6
        slope = (value(step, direction) - value(-step, direction)) / (2 * step)
        inner = np.sum(gradient * d)
        assert abs(slope - inner) <= 1e-6 * (abs(slope) + np.linalg.norm(gradient) * np.linalg.norm(d)), (place, key)
    assert (found.bias is None) == ("bias" not in names) and gradient.dtype == np.float64


def test_rule_lsq_divides_scales():
    for rule in ("plain", "lsq"):
        training, cores, scales, x = made(rule=rule)
        y, saved = training.forward(x, cores, scales, output_scale=0.01)
        got = training.vjp(saved, np.ones_like(y))
        if rule == "plain":
            plain = got
    for k, core in enumerate(cores):
        assert got.scales[k] == pytest.approx(plain.scales[k] / np.sqrt(core.size * 7))
        np.testing.assert_array_equal(got.cores[k], plain.cores[k])
    assert got.output_scale == pytest.approx(plain.output_scale / np.sqrt(y.size * 127))


@pytest.mark.parametrize("spec, storage", [
    (TRAIN, "int4(group=tensor)"), ("low_rank(rank=5)", "int4(group=row)"),
    ("block_tensor_train(rows=3x4, columns=4x5, rank=2)", "int4(group=tensor)"),
])
def test_trained_cores_are_stored_bit_for_bit(spec, storage):
    training, cores, scales, x = made(spec, np.float32)
    if "row" in storage:
        scales = [np.abs(core).max(1) / 7 for core in cores]
    y = training(x, cores, scales)
    packed = tk.Linear.from_cores(
        spec, cores, in_features=20, out_features=12, storage=storage, scales=scales)
    for core, scale, stored in zip(cores, scales, packed.cores):
        np.testing.assert_array_equal(stored, tk.fake_quantize(core, scale, 4))
    bound = 200 * np.finfo(np.float32).eps * np.linalg.norm(x) * np.linalg.norm(packed.dense())
    assert np.abs(packed(x) - y).max() <= bound


def test_terms_add_up():
    training, cores, scales, x = made("low_rank(rank=2) + dense")
    a, b, c = (tk.fake_quantize(core, s, 4) for core, s in zip(cores, scales))
    y, saved = training.forward(x, cores, scales)
    np.testing.assert_allclose(y, x @ (a @ b + c).T, atol=1e-13)
    found = training.vjp(saved, np.ones_like(y))
    levels = cores[2] / scales[2]
    inside = (levels >= -8) & (levels <= 7)
    np.testing.assert_allclose(found.cores[2], np.where(inside, x.sum(0), 0), atol=1e-12)
    np.testing.assert_allclose(found.x, np.ones_like(y) @ (a @ b + c), atol=1e-12)


def test_a_pass_keeps_what_it_was_given():
    training, cores, scales, x = made()
    y, saved = training.forward(x, cores, scales)
    first = training.vjp(saved, np.ones_like(y))
    for array in (x, *cores):
        array += 1
    training.close()
    again = tk.QuantizedTraining.vjp(training, saved, np.ones_like(y))
    np.testing.assert_array_equal(first.x, again.x)
    for a, b in zip(first.cores, again.cores):
        np.testing.assert_array_equal(a, b)


def test_it_learns():
    """A few steps of descent, on scales too, lower the loss."""
    training, cores, scales, x = made(rule="lsq")
    rng = np.random.default_rng(3)
    goal = x @ rng.normal(size=(20, 12)) / 5
    losses = []
    for _ in range(40):
        y, saved = training.forward(x, cores, scales)
        losses.append(np.mean((y - goal) ** 2))
        found = training.vjp(saved, 2 * (y - goal) / y.size)
        for k in range(4):
            cores[k] -= 0.3 * found.cores[k]
            scales[k] = max(scales[k] - 0.3 * found.scales[k], 1e-3)
    assert losses[-1] < 0.8 * losses[0]


def test_bad_input():
    training, cores, scales, x = made()
    with pytest.raises(ValueError, match="2"):
        tk.QuantizedTraining(tk.Linear.initialize(TRAIN, 20, 12), 1)
    with pytest.raises(ValueError, match="bits"):
        tk.QuantizedTraining(tk.Linear.initialize(TRAIN, 20, 12), 9)
    with pytest.raises(ValueError, match="rule"):
        tk.QuantizedTraining(tk.Linear.initialize(TRAIN, 20, 12), 4, rule="none")
    with pytest.raises(ValueError, match="transforms its inputs"):
        tk.QuantizedTraining(tk.Linear.fit(np.eye(8, dtype=np.float32), "rotation"), 4)
    with pytest.raises(ValueError, match="keeps entries apart"):
        tk.QuantizedTraining(
            tk.Linear.fit(np.eye(8, dtype=np.float32), "sparse(count=3) + low_rank(rank=2)"), 4)
    with pytest.raises(ValueError, match="4"):
        training(x, cores[:3], scales)
    with pytest.raises(ValueError, match="cores"):
        training(x, [cores[1], *cores[1:]], scales)
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="scale"):
            training(x, cores, [bad, *scales[1:]])
        with pytest.raises(ValueError, match="scale"):
            training(x, cores, scales, output_scale=bad)
    with pytest.raises(ValueError, match="input_scale"):
        training(x, cores, scales, input_scale=[0.1, 0.2])
    with pytest.raises(ValueError, match="bias"):
        training(x, cores, scales, bias=np.zeros(11))
    y, saved = training.forward(x, cores, scales)
    with pytest.raises(ValueError, match="grad"):
        training.vjp(saved, y[:3])
    assert training(x[:0], cores, scales).shape == (0, 12)


def test_a_pass_belongs_to_its_training():
    dense = tk.Linear.initialize("dense", 4, 4)
    factors = tk.Linear.initialize("low_rank(rank=2)", 4, 4)
    one, two = tk.QuantizedTraining(dense, 4), tk.QuantizedTraining(factors, 4)
    y, made = two.forward(
        np.ones((3, 4), np.float32), list(factors.cores), [np.float32(0.1)] * 2)
    with pytest.raises(ValueError, match="another layer"):
        one.vjp(made, np.ones_like(y))
    assert two.vjp(made, np.ones_like(y)).x.shape == (3, 4)
