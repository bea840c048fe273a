"""Rows of the table of parity: methods that change their tensor, and what they leave in it."""

PLAIN = [
    "abs_", "absolute_", "acos_:u", "acosh_:p+1", "arccos_:u", "arccosh_:p+1", "arcsin_:u",
    "arcsinh_", "arctan_", "arctanh_:u", "asin_:u", "asinh_", "atan_", "atanh_:u", "ceil_",
    "cos_", "cosh_", "deg2rad_", "digamma_:p", "erf_", "erfc_", "erfinv_:u", "exp_", "exp2_",
    "expm1_", "fix_", "floor_", "frac_", "i0_", "lgamma_:p", "log_:p", "log10_:p", "log1p_:p",
    "log2_:p", "logit_:r", "nan_to_num_", "neg_", "negative_", "rad2deg_", "reciprocal_:p",
    "relu_", "round_", "rsqrt_:p", "sgn_", "sigmoid_", "sign_", "sin_", "sinc_", "sinh_",
    "sqrt_:p", "square_", "tan_", "tanh_", "tril_", "triu_", "trunc_", "zero_", "logical_not_",
]  # fmt: skip

ROWS = [
    *[
        f"({letter or 'x'} * 1).{name}()"
        for name, _, letter in (row.partition(":") for row in PLAIN)
    ],
    *"""
(x * 1).add_(y)
(x * 1).add_(y, alpha=2)
(x * 1).add_(2)
(x * 1).sub_(y)
(x * 1).subtract_(y)
(x * 1).mul_(y)
(x * 1).multiply_(y)
(x * 1).div_(p)
(x * 1).divide_(p)
(x * 1).true_divide_(p)
(x * 1).floor_divide_(p)
(x * 1).remainder_(p)
(x * 1).fmod_(p)
(p * 1).pow_(2)
(p * 1).pow_(x)
(p * 1).float_power_(2)
(x * 1).addcmul_(y, z, value=2)
(x * 1).addcdiv_(y, p)
(x * 1).lerp_(y, 0.3)
(x * 1).clamp_(-1, 1)
(x * 1).clip_(-1, 1)
(x * 1).clamp_min_(0)
(x * 1).clamp_max_(0)
(x * 1).atan2_(p)
(x * 1).arctan2_(p)
(x * 1).copysign_(y)
(x * 1).hypot_(y)
(x * 1).xlogy_(p)
(x * 1).heaviside_(y)
(x * 1).nextafter_(y)
(x * 1).ldexp_(j)
(i * 1).gcd_(j)
(i * 1).lcm_(j)
(i * 1).bitwise_and_(j)
(i * 1).bitwise_or_(j)
(i * 1).bitwise_xor_(j)
(i * 1).bitwise_not_()
(i * 1).bitwise_left_shift_(2)
(i * 1).bitwise_right_shift_(2)
(x * 1).eq_(y)
(x * 1).ne_(y)
(x * 1).lt_(y)
(x * 1).le_(y)
(x * 1).gt_(y)
(x * 1).ge_(y)
(x * 1).greater_(y)
(x * 1).greater_equal_(y)
(x * 1).less_(y)
(x * 1).less_equal_(y)
(x * 1).not_equal_(y)
(x * 1).logical_and_(y)
(x * 1).logical_or_(y)
(x * 1).logical_xor_(y)
(x * 1).cumsum_(0)
(x * 1).cumprod_(-1)
(x * 1).fill_(3)
(x * 1).copy_(y)
(x * 1).masked_fill_(b, 2)
(x * 1).masked_scatter_(b, y)
(x * 1).renorm_(2, 0, 1.0)
(x * 1).squeeze_()
(x * 1).unsqueeze_(0)
(x * 1).unsqueeze_(-1)
(x * 1).transpose_(0, -1)
(x * 1).swapaxes_(0, -1)
(x * 1).swapdims_(0, -1)
(A * 1).t_()
A.detach().clone().fill_diagonal_(3)
(H * 1).index_add_(0, m.tensor([0, 0]), m.ones(2, 2, dtype=H.dtype))
(H * 1).index_copy_(0, m.tensor([0, 1]), m.ones(2, 2, dtype=H.dtype))
(H * 1).index_fill_(0, m.tensor([0, 1]), 2)
(H * 1).index_put_((m.tensor([0, 1]),), m.tensor(5, dtype=H.dtype))
(H * 1).index_reduce_(0, m.tensor([0, 0]), m.ones(2, 2, dtype=H.dtype), "amax")
(H * 1).scatter_(0, m.tensor([[0, 1]]), 2.0)
(H * 1).scatter_add_(0, m.tensor([[0, 1]]), K)
(H * 1).scatter_reduce_(0, m.tensor([[0, 1]]), K, "prod")
(H * 1).put_(m.tensor([0, 1]), m.tensor([5, 6], dtype=H.dtype))
(A * 1).addmm_(A, B)
(A * 1).addmv_(A, v[:3]) if False else (v[:3] * 1).addmv_(A, v[:3])
(A * 1).addr_(v[:3], w[:3])
(X[0] * 1).baddbmm_(X[0][:, :, :5], X[0])
(A * 1).addbmm_(m.stack([A, B]), m.stack([B, B]))
m.relu_(x * 1)
m.exp_(x * 1)
""".strip().splitlines(),
]

WRONG = dict.fromkeys(
    ("float64", "0-d", "gaps", "stack"), "PyTorch's slope is that of the number before the change"
)
SUMS = {"uint8": "sums are int64, which does not fit"}
EXCEPT = {
    "(x * 1).logical_not_()": WRONG,
    "(x * 1).logical_and_(y)": WRONG,
    "(x * 1).logical_or_(y)": WRONG,
    "(x * 1).logical_xor_(y)": WRONG,
    "(p * 1).pow_(x)": dict.fromkeys(
        ("int64", "int32"), "a negative power of integers is an error, not 0"
    ),
    "(x * 1).clip_(-1, 1)": {"uint8": "PyTorch takes the bound -1 for the byte 255"},
    "(x * 1).cumsum_(0)": SUMS,
    "(x * 1).cumprod_(-1)": SUMS,
    "(H * 1).index_add_(0, m.tensor([0, 0]), m.ones(2, 2, dtype=H.dtype))": {
        "empty": "an index into nothing is an error"
    },
    '(H * 1).scatter_reduce_(0, m.tensor([[0, 1]]), K, "prod")': dict.fromkeys(
        ("float64", "gaps"), "PyTorch gives entries a slope that no index sends anywhere"
    ),
}
