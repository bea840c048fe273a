"""Public names of PyTorch, those that are missing here, and why.

``names.json`` holds the names of PyTorch 2.13.  ``python -m tests.parity.names`` writes it anew,
where PyTorch is installed, and the list of what is missing into docs/start/from_pytorch.md.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = [
    "torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.linalg", "torch.special",
    "torch.optim", "torch.distributions", "torch.utils.data",
]  # fmt: skip
FILE = Path(__file__).with_name("names.json")
PAGE = Path(__file__).parents[2] / "docs" / "start" / "from_pytorch.md"

# a reason, and the names that it explains, in regular expressions of whole names
REASONS: list[tuple[str, str]] = [
    (
        "internals of PyTorch: its own types, compilers, schemas and storage",
        r"GraphExecutorState|.*Type|.*Storage.*|Script.*|Sym.*|sym_.*|.*Execution.*|Benchmark.*|.*Graph|Concrete.*"
        r"|parse_.*|import_ir.*|.*Argument.*|_.*|AVG|SUM|AggregationType|AliasDb|Block|BufferDict"
        r"|CallStack|Capsule|Code|CompilationUnit|DeepCopyMemoTable|DisableTorch.*|Dispatch.*"
        r"|Error.*|.*Error|Event|ExcludeDispatch.*|FileCheck|FunctionSchema|Future|GradScaler"
        r"|Gradient|IODescriptor|JITException|Lite.*|Lock.*|Logger.*|ModuleDict|Node|Noop.*|Op.*"
        r"|PRIVATE_OPS|ParameterDict|PyTorchFile.*|Serialization.*|Deserialization.*|StaticModule"
        r"|Stream.*|Tag|Throughput.*|Tracing.*|TYPE_CHECKING|USE_.*|Use|Value|PyObjectType"
        r"|are_deterministic.*|builtins|classes|classproperty|cpp|fork|futures|fx|get_file_path"
        r"|has_.*|hash_tensor|hub|init_num_threads|is_storage|library|merge_type.*|monitor"
        r"|multiprocessing|package|overrides|prepare_.*|profiler.*|return_types|storage.*"
        r"|thread_safe_generator|torch.*|types|unify_.*|version|wait|windows|functional|export"
        r"|compile.*|cond|while_loop|jit|typename|from_file|is_distributed|as_subclass"
        r"|module_load|output_nr|grad_dtype|record_stream|reinforce|Callable|DType|Optional"
        r"|Tensor|Broadcasting.*|assert_.*|boolean_dispatch|handle_torch.*|.*_notes|GRID_.*"
        r"|ScalingType|SwizzleType|const_data_ptr|untyped_storage|dim_order|volatile|set_"
        r"|argument_validation|functional_datapipe|.*_datapipes.*|non_deterministic|runtime_.*"
        r"|factory_kwargs|Container|swap_in_.*|is_set_to|_DatasetKind|get_deterministic.*"
        r"|set_deterministic.*|is_deterministic.*|get_device_module|new",
    ),
    (
        "other hardware, low-level kernels, and switches for them",
        r"cudnn_.*|miopen_.*|mkldnn_.*|fbgemm_.*|native_.*|.*autocast.*|amp|cpu|mps|mtia|xpu|ipu"
        r"|is_(cpu|ipu|maia|meta|mkldnn|mps|mtia|vulkan|xla|xpu|pinned|shared).*|get_device"
        r"|share_memory_|to_mkldnn|.*num_(interop_)?threads|set_flush_denormal|is_vulkan.*"
        r"|get_default_device|batch_norm_.*|scaled_mm|grouped_mm|scaled_grouped_mm|slice_inverse"
        r"|SyncBatchNorm|LinearCrossEntropy.*|linear_cross_entropy|affine_grid_generator"
        r"|embedding_renorm_|layout|memory_format|channels_last.*|legacy_contiguous.*"
        r"|default_generator|set_warn_always|is_warn_always.*|is_anomaly.*|set_anomaly.*"
        r"|is_inference.*|resolve.*|is_neg|is_conj|storage_offset",
    ),
    (
        "complex numbers come from Fourier transforms and `complex(real, imag)`, in a class of "
        "their own: methods of tensors are of real numbers",
        r".*complex.*|cdouble|cfloat|chalf|imag|stft|istft|eig|.*view_as_real.*|angle_",
    ),
    (
        "sparse tensors: a constant sparse factor is a SciPy matrix, see mg.sparse",
        r".*sparse.*|.*coo.*|.*cs[rc].*|.*bs[rc].*|to_dense|coalesce|is_coalesced|indices.*|values.*"
        r"|crow_indices.*|ccol_indices.*|row_indices.*|col_indices.*|dense_dim|smm|hsmm|hspmm|dsmm"
        r"|spmm|saddmm|sspaddmm|SparseAdam",
    ),
    (
        "quantized, packed, nested and very short numbers: NumPy has no such types",
        r".*quantiz.*|q_.*|qint.*|quint.*|qscheme|per_channel_.*|per_tensor_.*|int_repr|dequantize"
        r"|fake_quantize.*|fused_moving.*|float[48]_.*|u?int[1-7]|uint(16|32|64)|bits?.*|ao"
        r"|choose_qparams.*|jagged|nested|masked|is_nested|to_padded_tensor|is_quantized",
    ),
    (
        "removed from PyTorch, or deprecated there: linalg.solve, eigh, lstsq, matrix_rank, "
        "solve_triangular, lu_solve, matrix_norm, and arange do the same",
        r"solve|symeig|lstsq|matrix_rank|triangular_solve|lu_solve|range|frobenius_norm"
        r"|nuclear_norm|norm_except_dim|chain_matmul|resize|resize_as",
    ),
    (
        "iterations for a few eigenvalues of a large matrix: scipy.sparse.linalg.lobpcg",
        r"lobpcg",
    ),
    (
        "copies of views: call the view and clone()",
        r".*_copy|as_strided_scatter|detach|detach_copy",
    ),
    (
        "what layers call inside of PyTorch, with arguments in another order: the functions of "
        "nn.functional, and nn.LSTM and its kin, are the public ones",
        r"batch_norm|binary_cross_entropy_with_logits|embedding|embedding_bag|instance_norm"
        r"|poisson_nll_loss|gru.*|lstm.*|rnn_.*|conv_tbc|convolution|ctc_loss|grid_sampler.*"
        r"|constant_pad_nd|channel_shuffle|pdist|.*_with_indices|max_pool3d|conv3d|conv_transpose3d"
        r"|.*dropout_|feature_dropout|.*(celu|elu|relu|selu|threshold|hardtanh)_"
        r"|prelu|hardshrink|multi_head_attention_forward",
    ),
    (
        "a Python function of each entry: a list of numbers and `copy_` do the same, or an op",
        r"map_|map2_|apply_|polygamma_",
    ),
    (
        "memory laid out by hand, and without checks: NumPy lays it out, and checks cost little",
        r"empty_.*|new_empty_strided|index|unsafe_.*",
    ),
    (
        "a result padded to a fixed size, for compilers; np.histogramdd; scatter_reduce",
        r"nonzero_static|histogramdd|segment_reduce",
    ),
    ("data pipes, which PyTorch gives up", r".*DataPipe|DataChunk"),
    ("rarely used: the page on writing an op says how to add one", r".*"),
]  # fmt: skip


def namespace(module: str, library: str) -> Any:
    """``torch.nn`` of one of the two libraries."""
    parts = module.split(".")[1:]
    if parts == ["Tensor"]:
        return importlib.import_module(library).Tensor
    return importlib.import_module(".".join([library, *parts]))


def public_names(module: str) -> list[str]:
    """The names of a module of PyTorch, without the modules that it imports."""
    found = namespace(module, "torch")
    listed = getattr(found, "__all__", None)
    if listed and module not in ("torch", "torch.nn.functional"):
        return sorted(set(listed))
    return [
        name
        for name in dir(found)
        if not name.startswith("_") and not isinstance(getattr(found, name, None), ModuleType)
    ]


def missing() -> dict[str, dict[str, list[str]]]:
    """What is not here: module -> reason -> names."""
    found: dict[str, dict[str, list[str]]] = {}
    for module, names in json.loads(FILE.read_text()).items():
        ours = namespace(module, "minigrad")
        for name in names:
            if not hasattr(ours, name):
                reason = reason_for(name)
                if module == "torch.nn.functional" and "another order" in reason:
                    reason = REASONS[-1][0]
                found.setdefault(module, {}).setdefault(reason, []).append(name)
    return found


def reason_for(name: str) -> str:
    """The first reason whose pattern has the name."""
    return next(reason for reason, pattern in REASONS if re.fullmatch(pattern, name))


def table() -> str:
    """The list of what is missing, as it stands in the documentation."""
    lines = ["| | missing | why |", "|---|---|---|"]
    for module, groups in missing().items():
        for reason, names in groups.items():
            text = ", ".join(f"`{name}`" for name in names)
            lines.append(f"| `{module}` | {text} | {reason} |")
    return "\n".join(lines)


def main() -> None:
    names = {module: public_names(module) for module in MODULES}
    FILE.write_text(json.dumps(names, indent=0) + "\n")
    before, _, rest = PAGE.read_text().partition("<!-- missing -->\n")
    _, _, after = rest.partition("<!-- end of missing -->\n")
    PAGE.write_text(
        f"{before}<!-- missing -->\n{table()}\n<!-- end of missing -->\n{after}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
