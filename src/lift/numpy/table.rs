//! Every name that is lifted: one row per meaning.
//!
//! In: a dotted name. Out: its parameters and its handler.
//! `lookup("numpy.ndarray.sum")` and `lookup("numpy.sum")` are the same row.
//!
//! Universal functions have no rows: they are derived from the table of elementwise operations,
//! with their `outer`. Signatures are those of NumPy 2.4.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fourier::Kind as F;
use super::signature::{Call, Signature};
use super::{
    Arg, arrange, composed, create, decompose, diagonal, einsum, fourier, index, join, linalg,
    order, python, reduce, scipy_linalg, shape, special, take, ufunc,
};
use crate::error::Result;
use crate::graph::DType;
use crate::ops::decompose::Decomposition as D;
use crate::ops::{Cumulation, Elementwise as E, Extreme, Reduction};

/// One meaning.
struct Row {
    names: &'static [&'static str],
    signature: &'static str,
    handler: fn(&mut Call<'_>) -> Result<Arg>,
    shares: Shares,
}

/// What a result may have to do with the first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// It is an array of its own.
    Nothing,
    /// It may share memory with the argument.
    Memory,
    /// It shares memory and must not be written to.
    ReadOnly,
    /// It may be the very argument.
    Itself,
}

/// A result of its own.
const fn fresh(
    names: &'static [&'static str],
    signature: &'static str,
    handler: fn(&mut Call<'_>) -> Result<Arg>,
) -> Row {
    Row {
        names,
        signature,
        handler,
        shares: Shares::Nothing,
    }
}

/// A result that may be a view of the first argument.
const fn view(
    names: &'static [&'static str],
    signature: &'static str,
    handler: fn(&mut Call<'_>) -> Result<Arg>,
) -> Row {
    Row {
        shares: Shares::Memory,
        ..fresh(names, signature, handler)
    }
}

/// A view that NumPy does not let be written to.
const fn read_only(
    names: &'static [&'static str],
    signature: &'static str,
    handler: fn(&mut Call<'_>) -> Result<Arg>,
) -> Row {
    Row {
        shares: Shares::ReadOnly,
        ..fresh(names, signature, handler)
    }
}

/// A result that is the first argument itself where there is nothing to do.
const fn itself(
    names: &'static [&'static str],
    signature: &'static str,
    handler: fn(&mut Call<'_>) -> Result<Arg>,
) -> Row {
    Row {
        shares: Shares::Itself,
        ..fresh(names, signature, handler)
    }
}

/// Parameters that many functions share.
const SUM: &str = "a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True";
const EXTREME: &str = "a, axis=None, out=None, keepdims=False, initial=None, where=True";
const LOGICAL: &str = "a, axis=None, out=None, keepdims=False, *, where=True";
const MEAN: &str = "a, axis=None, dtype=None, out=None, keepdims=False, *, where=True";
const VARIANCE: &str = "a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None";
const ARG_EXTREME: &str = "a, axis=None, out=None, *, keepdims=False";
const CUMULATE: &str = "a, axis=None, dtype=None, out=None";
const CUMULATIVE: &str = "x, /, *, axis=None, dtype=None, out=None, include_initial=False";
const NAN_SUM: &str = "a, axis=None, dtype=None, out=None, keepdims=False";
const NAN_EXTREME: &str = "a, axis=None, out=None, keepdims=False";
const VARIANCE_METHOD: &str =
    "a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True";
const REDUCE: &str = "a, axis=0, dtype=None, out=None, keepdims=False, initial=None, where=True";
const ACCUMULATE: &str = "a, axis=0, dtype=None, out=None";
const FILLED: &str = "shape, dtype=None, order=C|F, *, device=None|cpu, like=None";
const FILLED_LIKE: &str =
    "a, dtype=None, order=K|C|A|F, subok=True|False, shape=None, *, device=None|cpu";
const AS_ARRAY: &str = "object, dtype=None, order=K|C|A|F|None|c|f|k|a, *, device=None|cpu, copy=None|True|False, like=None, ndmin=0, subok=False|True";
const JOIN: &str = "tup, *, dtype=None, casting=same_kind|safe|unsafe|no|equiv";
const SPLIT: &str = "ary, indices_or_sections, axis=0";
const FFT: &str = "a, n=None, axis=-1, norm=None, out=None";
const FFT_2: &str = "a, s=None, axes=last two, norm=None, out=None";
const FFT_N: &str = "a, s=None, axes=None, norm=None, out=None";
const SCIPY_FFT: &str =
    "x, n=None, axis=-1, norm=None, overwrite_x=False|True, workers=None, *, plan=None";
const SCIPY_FFT_2: &str =
    "x, s=None, axes=last two, norm=None, overwrite_x=False|True, workers=None, *, plan=None";
const SCIPY_FFT_N: &str =
    "x, s=None, axes=None, norm=None, overwrite_x=False|True, workers=None, *, plan=None";
const DCT: &str = "x, type=2, n=None, axis=-1, norm=None, overwrite_x=False|True, workers=None, orthogonalize=None";
const OPERATOR: &str = "a, b, /";

#[rustfmt::skip]
static ROWS: &[Row] = &[
    // Reductions.
    fresh(&["numpy.sum", "numpy.ndarray.sum"], SUM, |c| reduce::accumulate(c, Reduction::Sum)),
    fresh(&["numpy.prod", "numpy.ndarray.prod"], SUM, |c| reduce::accumulate(c, Reduction::Prod)),
    fresh(&["numpy.add.reduce"], REDUCE, |c| reduce::accumulate(c, Reduction::Sum)),
    fresh(&["numpy.multiply.reduce"], REDUCE, |c| reduce::accumulate(c, Reduction::Prod)),
    fresh(&["numpy.max", "numpy.amax", "numpy.ndarray.max"], EXTREME, |c| reduce::extreme(c, Reduction::Max)),
    fresh(&["numpy.min", "numpy.amin", "numpy.ndarray.min"], EXTREME, |c| reduce::extreme(c, Reduction::Min)),
    fresh(&["numpy.maximum.reduce"], REDUCE, |c| reduce::extreme(c, Reduction::Max)),
    fresh(&["numpy.minimum.reduce"], REDUCE, |c| reduce::extreme(c, Reduction::Min)),
    fresh(&["numpy.any", "numpy.ndarray.any"], LOGICAL, |c| reduce::logical(c, Reduction::Any)),
    fresh(&["numpy.all", "numpy.ndarray.all"], LOGICAL, |c| reduce::logical(c, Reduction::All)),
    fresh(&["numpy.logical_or.reduce"], REDUCE, |c| reduce::logical(c, Reduction::Any)),
    fresh(&["numpy.logical_and.reduce"], REDUCE, |c| reduce::logical(c, Reduction::All)),
    fresh(&["numpy.mean", "numpy.ndarray.mean"], MEAN, reduce::mean),
    fresh(&["numpy.var"], VARIANCE, reduce::var),
    fresh(&["numpy.std"], VARIANCE, reduce::std),
    fresh(&["numpy.ndarray.var"], VARIANCE_METHOD, reduce::var),
    fresh(&["numpy.ndarray.std"], VARIANCE_METHOD, reduce::std),
    fresh(&["numpy.ptp"], "a, axis=None, out=None, keepdims=False", reduce::peak_to_peak),
    fresh(&["numpy.argmax", "numpy.ndarray.argmax"], ARG_EXTREME, |c| reduce::arg_extreme(c, Extreme::Max)),
    fresh(&["numpy.argmin", "numpy.ndarray.argmin"], ARG_EXTREME, |c| reduce::arg_extreme(c, Extreme::Min)),
    fresh(&["numpy.cumsum", "numpy.ndarray.cumsum"], CUMULATE, |c| reduce::cumulate(c, Cumulation::Sum)),
    fresh(&["numpy.cumprod", "numpy.ndarray.cumprod"], CUMULATE, |c| reduce::cumulate(c, Cumulation::Prod)),
    fresh(&["numpy.add.accumulate"], ACCUMULATE, |c| reduce::accumulate_ufunc(c, Cumulation::Sum)),
    fresh(&["numpy.multiply.accumulate"], ACCUMULATE, |c| reduce::accumulate_ufunc(c, Cumulation::Prod)),
    fresh(&["numpy.cumulative_sum"], CUMULATIVE, |c| reduce::cumulative_with_initial(c, Cumulation::Sum)),
    fresh(&["numpy.cumulative_prod"], CUMULATIVE, |c| reduce::cumulative_with_initial(c, Cumulation::Prod)),
    fresh(&["numpy.count_nonzero"], "a, axis=None, *, keepdims=False", reduce::count_nonzero),
    fresh(&["numpy.average"], "a, axis=None, weights=None, returned=False, *, keepdims=False", reduce::average),
    fresh(&["numpy.nansum"], NAN_SUM, |c| reduce::nan_accumulate(c, Reduction::Sum)),
    fresh(&["numpy.nanprod"], NAN_SUM, |c| reduce::nan_accumulate(c, Reduction::Prod)),
    fresh(&["numpy.nancumsum"], CUMULATE, |c| reduce::nan_cumulate(c, Cumulation::Sum)),
    fresh(&["numpy.nancumprod"], CUMULATE, |c| reduce::nan_cumulate(c, Cumulation::Prod)),
    fresh(&["numpy.nanmax"], NAN_EXTREME, |c| reduce::nan_extreme(c, Reduction::Max)),
    fresh(&["numpy.nanmin"], NAN_EXTREME, |c| reduce::nan_extreme(c, Reduction::Min)),
    fresh(&["numpy.nanmean"], MEAN, reduce::nan_mean),
    fresh(&["numpy.nanvar"], VARIANCE_METHOD, reduce::nan_var),
    fresh(&["numpy.nanstd"], VARIANCE_METHOD, reduce::nan_std),
    fresh(&["numpy.logaddexp.reduce"], "a, axis=0, dtype=None, out=None, keepdims=False", reduce::log_sum_exp),
    fresh(&["scipy.special.logsumexp"], "a, axis=None, b=None, keepdims=False, return_sign=False", reduce::log_sum_exp),
    fresh(&["scipy.special.softmax"], "a, axis=None", reduce::softmax),
    fresh(&["scipy.special.log_softmax"], "a, axis=None", reduce::log_softmax),

    // Order.
    fresh(&["numpy.sort"], "a, axis=-1, kind=None|quicksort|mergesort|heapsort|stable, order=None, *, stable=None|True|False", order::sort),
    fresh(&["numpy.argsort", "numpy.ndarray.argsort"], "a, axis=-1, kind=None|quicksort|mergesort|heapsort|stable, order=None, *, stable=None|True|False", order::arg_sort),
    fresh(&["numpy.searchsorted", "numpy.ndarray.searchsorted"], "a, v, side=left|right, sorter=None", order::search_sorted),
    fresh(&["numpy.median"], "a, axis=None, out=None, overwrite_input=False|True, keepdims=False", order::median),

    // Products.
    fresh(&["numpy.dot", "numpy.ndarray.dot"], "a, b, out=None", linalg::dot),
    fresh(&["numpy.inner"], "a, b, /", linalg::inner),
    fresh(&["numpy.vdot"], "a, b, /", linalg::vdot),
    fresh(&["numpy.outer"], "a, b, out=None", linalg::outer),
    fresh(&["numpy.kron"], "a, b", linalg::kron),
    fresh(&["numpy.tensordot"], "a, b, axes=2", linalg::tensordot),
    fresh(&["numpy.linalg.tensordot"], "a, b, /, *, axes=2", linalg::tensordot),
    fresh(&["numpy.matmul", "operator.matmul"], "x1, x2, /, out=None, *, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False", linalg::matmul),
    fresh(&["numpy.linalg.matmul"], "x1, x2, /", linalg::matmul),
    fresh(&["numpy.vecdot"], "x1, x2, /, out=None, *, axis=-1", linalg::vecdot),
    fresh(&["numpy.linalg.vecdot"], "x1, x2, /, *, axis=-1", linalg::vecdot),
    fresh(&["numpy.linalg.multi_dot"], "arrays, *, out=None", linalg::multi_dot),
    fresh(&["numpy.einsum"], "*operands, out=None, dtype=None, order=K|C|A, casting=safe|same_kind|unsafe|no|equiv, optimize=False|True|greedy|optimal", einsum::einsum),
    fresh(&["numpy.trace", "numpy.ndarray.trace"], "a, offset=0, axis1=0, axis2=1, dtype=None, out=None", linalg::trace),
    fresh(&["numpy.cross"], "a, b, axisa=-1, axisb=-1, axisc=-1, axis=None", linalg::cross),
    fresh(&["numpy.linalg.norm"], "x, ord=None, axis=None, keepdims=False", |c| linalg::norm(c, "x")),
    fresh(&["numpy.linalg.vector_norm"], "x, /, *, axis=None, keepdims=False, ord=2", linalg::array_vector_norm),
    fresh(&["numpy.linalg.matrix_norm"], "x, /, *, keepdims=False, ord=fro", linalg::array_matrix_norm),
    fresh(&["numpy.linalg.outer"], "a, b, /", linalg::outer),
    fresh(&["numpy.linalg.trace"], "a, /, *, offset=0, dtype=None, axis1=-2, axis2=-1", linalg::trace),
    fresh(&["numpy.linalg.cross"], "a, b, /, *, axis=-1, axisa=-1, axisb=-1, axisc=-1", linalg::cross),
    fresh(&["numpy.convolve"], "a, v, mode=full", |c| linalg::convolve(c, true)),
    fresh(&["numpy.correlate"], "a, v, mode=valid", |c| linalg::convolve(c, false)),

    // Systems and decompositions.
    fresh(&["numpy.linalg.solve"], "a, b", decompose::solve),
    fresh(&["numpy.linalg.inv"], "a", |c| decompose::single(c, D::Inverse)),
    fresh(&["numpy.linalg.det"], "a", |c| decompose::single(c, D::Determinant)),
    fresh(&["numpy.linalg.slogdet"], "a", |c| decompose::several(c, D::SignLogDet)),
    fresh(&["numpy.linalg.cholesky"], "a, /, *, upper=False", decompose::cholesky),
    fresh(&["numpy.linalg.qr"], "a, mode=reduced", decompose::qr),
    fresh(&["numpy.linalg.svd"], "a, full_matrices=True, compute_uv=True, hermitian=False", decompose::svd),
    fresh(&["numpy.linalg.svdvals"], "x, /", |c| decompose::singular_values(c, "x")),
    fresh(&["numpy.linalg.eigh"], "a, UPLO=L", decompose::eigh),
    fresh(&["numpy.linalg.eigvalsh"], "a, UPLO=L", decompose::eigenvalues_of_hermitian),
    fresh(&["numpy.linalg.eig"], "a", |c| decompose::eigen(c, true)),
    fresh(&["numpy.linalg.eigvals"], "a", |c| decompose::eigen(c, false)),
    fresh(&["numpy.linalg.pinv"], "a, rcond=None, hermitian=False, *, rtol=<no value>", decompose::pseudo_inverse),
    fresh(&["numpy.linalg.matrix_rank"], "A, tol=None, hermitian=False, *, rtol=None", decompose::matrix_rank),
    fresh(&["numpy.linalg.lstsq"], "a, b, rcond=None", decompose::least_squares),
    itself(&["numpy.linalg.matrix_power"], "a, n", decompose::matrix_power),
    fresh(&["numpy.linalg.cond"], "x, p=None", decompose::condition),
    fresh(&["numpy.linalg.tensorsolve"], "a, b, axes=None", decompose::tensor_solve),
    fresh(&["numpy.linalg.tensorinv"], "a, ind=2", decompose::tensor_inverse),

    fresh(&["scipy.linalg.solve"], "a, b, lower=False, overwrite_a=False|True, overwrite_b=False|True, check_finite=True|False, assume_a=None, transposed=False", scipy_linalg::solve),
    fresh(&["scipy.linalg.inv"], "a, overwrite_a=False|True, check_finite=True|False, *, assume_a=None, lower=False", scipy_linalg::inverse),
    fresh(&["scipy.linalg.det"], "a, overwrite_a=False|True, check_finite=True|False", scipy_linalg::determinant),
    fresh(&["scipy.linalg.cholesky"], "a, lower=False, overwrite_a=False|True, check_finite=True|False", scipy_linalg::cholesky),
    fresh(&["scipy.linalg.cho_factor"], "a, lower=False, overwrite_a=False|True, check_finite=True|False", scipy_linalg::cho_factor),
    fresh(&["scipy.linalg.cho_solve"], "c_and_lower, b, overwrite_b=False|True, check_finite=True|False", scipy_linalg::cho_solve),
    fresh(&["scipy.linalg.solve_triangular"], "a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False|True, check_finite=True|False", scipy_linalg::solve_triangular),
    fresh(&["scipy.linalg.lu"], "a, permute_l=False, overwrite_a=False|True, check_finite=True|False, p_indices=False", scipy_linalg::lu),
    fresh(&["scipy.linalg.lu_factor"], "a, overwrite_a=False|True, check_finite=True|False", scipy_linalg::lu_factor),
    fresh(&["scipy.linalg.lu_solve"], "lu_and_piv, b, trans=0, overwrite_b=False|True, check_finite=True|False", scipy_linalg::lu_solve),
    fresh(&["scipy.linalg.qr"], "a, overwrite_a=False|True, lwork=None, mode=full, pivoting=False, check_finite=True|False", scipy_linalg::qr),
    fresh(&["scipy.linalg.svd"], "a, full_matrices=True, compute_uv=True, overwrite_a=False|True, check_finite=True|False, lapack_driver=gesdd", scipy_linalg::svd),
    fresh(&["scipy.linalg.svdvals"], "a, overwrite_a=False|True, check_finite=True|False", |c| decompose::singular_values(c, "a")),
    fresh(&["scipy.linalg.eigh"], "a, b=None, *, lower=True, eigvals_only=False, overwrite_a=False|True, overwrite_b=False|True, type=1, check_finite=True|False, subset_by_index=None, subset_by_value=None, driver=None", scipy_linalg::eigh),
    fresh(&["scipy.linalg.eigvalsh"], "a, b=None, *, lower=True, overwrite_a=False|True, overwrite_b=False|True, type=1, check_finite=True|False, subset_by_index=None, subset_by_value=None, driver=None", scipy_linalg::eigenvalues_of_hermitian),
    fresh(&["scipy.linalg.expm"], "A", scipy_linalg::exponential),
    fresh(&["scipy.linalg.sqrtm"], "A", scipy_linalg::square_root),
    fresh(&["scipy.linalg.logm"], "A", scipy_linalg::logarithm),
    fresh(&["scipy.linalg.expm_frechet"], "A, E, method=None, compute_expm=True, check_finite=True|False", scipy_linalg::exponential_derivative),
    fresh(&["scipy.linalg.norm"], "a, ord=None, axis=None, keepdims=False, check_finite=True|False", scipy_linalg::norm),
    fresh(&["scipy.linalg.pinv"], "a, *, atol=None, rtol=None, return_rank=False, check_finite=True|False", scipy_linalg::pseudo_inverse),
    fresh(&["scipy.linalg.block_diag"], "*arrs", scipy_linalg::block_diagonal),
    fresh(&["scipy.linalg.toeplitz"], "c, r=None", scipy_linalg::toeplitz),
    fresh(&["scipy.linalg.hankel"], "c, r=None", scipy_linalg::hankel),
    fresh(&["scipy.linalg.circulant"], "c", scipy_linalg::circulant),
    fresh(&["scipy.linalg.solve_banded"], "l_and_u, ab, b, overwrite_ab=False|True, overwrite_b=False|True, check_finite=True|False", |c| scipy_linalg::solve_banded(c, false)),
    fresh(&["scipy.linalg.solveh_banded"], "ab, b, overwrite_ab=False|True, overwrite_b=False|True, lower=False, check_finite=True|False", |c| scipy_linalg::solve_banded(c, true)),

    // Fourier transforms.
    fresh(&["numpy.fft.fft"], FFT, |c| fourier::one_axis(c, F::Forward)),
    fresh(&["scipy.fft.fft"], SCIPY_FFT, |c| fourier::one_axis(c, F::Forward)),
    fresh(&["numpy.fft.ifft"], FFT, |c| fourier::one_axis(c, F::Inverse)),
    fresh(&["scipy.fft.ifft"], SCIPY_FFT, |c| fourier::one_axis(c, F::Inverse)),
    fresh(&["numpy.fft.rfft"], FFT, |c| fourier::one_axis(c, F::RealForward)),
    fresh(&["scipy.fft.rfft"], SCIPY_FFT, |c| fourier::one_axis(c, F::RealForward)),
    fresh(&["numpy.fft.irfft"], FFT, |c| fourier::one_axis(c, F::RealInverse)),
    fresh(&["scipy.fft.irfft"], SCIPY_FFT, |c| fourier::one_axis(c, F::RealInverse)),
    fresh(&["numpy.fft.hfft"], FFT, |c| fourier::one_axis(c, F::HermitianForward)),
    fresh(&["scipy.fft.hfft"], SCIPY_FFT, |c| fourier::one_axis(c, F::HermitianForward)),
    fresh(&["numpy.fft.ihfft"], FFT, |c| fourier::one_axis(c, F::HermitianInverse)),
    fresh(&["scipy.fft.ihfft"], SCIPY_FFT, |c| fourier::one_axis(c, F::HermitianInverse)),
    fresh(&["numpy.fft.fft2"], FFT_2, |c| fourier::several_axes(c, F::Forward)),
    fresh(&["numpy.fft.fftn"], FFT_N, |c| fourier::several_axes(c, F::Forward)),
    fresh(&["scipy.fft.fft2"], SCIPY_FFT_2, |c| fourier::several_axes(c, F::Forward)),
    fresh(&["scipy.fft.fftn"], SCIPY_FFT_N, |c| fourier::several_axes(c, F::Forward)),
    fresh(&["numpy.fft.ifft2"], FFT_2, |c| fourier::several_axes(c, F::Inverse)),
    fresh(&["numpy.fft.ifftn"], FFT_N, |c| fourier::several_axes(c, F::Inverse)),
    fresh(&["scipy.fft.ifft2"], SCIPY_FFT_2, |c| fourier::several_axes(c, F::Inverse)),
    fresh(&["scipy.fft.ifftn"], SCIPY_FFT_N, |c| fourier::several_axes(c, F::Inverse)),
    fresh(&["numpy.fft.rfft2"], FFT_2, |c| fourier::several_axes(c, F::RealForward)),
    fresh(&["numpy.fft.rfftn"], FFT_N, |c| fourier::several_axes(c, F::RealForward)),
    fresh(&["scipy.fft.rfft2"], SCIPY_FFT_2, |c| fourier::several_axes(c, F::RealForward)),
    fresh(&["scipy.fft.rfftn"], SCIPY_FFT_N, |c| fourier::several_axes(c, F::RealForward)),
    fresh(&["numpy.fft.irfft2"], FFT_2, |c| fourier::several_axes(c, F::RealInverse)),
    fresh(&["numpy.fft.irfftn"], FFT_N, |c| fourier::several_axes(c, F::RealInverse)),
    fresh(&["scipy.fft.irfft2"], SCIPY_FFT_2, |c| fourier::several_axes(c, F::RealInverse)),
    fresh(&["scipy.fft.irfftn"], SCIPY_FFT_N, |c| fourier::several_axes(c, F::RealInverse)),
    fresh(&["numpy.fft.fftshift", "scipy.fft.fftshift"], "x, axes=None", |c| fourier::shift(c, false)),
    fresh(&["numpy.fft.ifftshift", "scipy.fft.ifftshift"], "x, axes=None", |c| fourier::shift(c, true)),
    fresh(&["numpy.fft.fftfreq"], "n, d=1.0, device=None", |c| fourier::frequencies(c, false)),
    fresh(&["numpy.fft.rfftfreq"], "n, d=1.0, device=None", |c| fourier::frequencies(c, true)),
    fresh(&["scipy.fft.fftfreq"], "n, d=1.0, *, xp=None, device=None", |c| fourier::frequencies(c, false)),
    fresh(&["scipy.fft.rfftfreq"], "n, d=1.0, *, xp=None, device=None", |c| fourier::frequencies(c, true)),
    fresh(&["scipy.fft.dct"], DCT, |c| fourier::trigonometric(c, false, false)),
    fresh(&["scipy.fft.idct"], DCT, |c| fourier::trigonometric(c, false, true)),
    fresh(&["scipy.fft.dst"], DCT, |c| fourier::trigonometric(c, true, false)),
    fresh(&["scipy.fft.idst"], DCT, |c| fourier::trigonometric(c, true, true)),

    // Shapes.
    view(&["numpy.reshape"], "a, /, shape, order=C, *, copy=None", shape::reshape),
    view(&["numpy.ndarray.reshape"], "a, /, *shape, order=C, copy=None", shape::reshape),
    view(&["numpy.ravel", "numpy.ndarray.ravel"], "a, order=C|K|A", shape::flat),
    view(&["numpy.ndarray.flat"], "a", shape::flat),
    fresh(&["numpy.ndarray.flatten"], "a, order=C|K|A", shape::flat),
    view(&["numpy.transpose"], "a, axes=None", shape::transpose),
    view(&["numpy.ndarray.transpose"], "a, /, *axes", shape::transpose),
    view(&["numpy.ndarray.T"], "a", shape::transpose),
    view(&["numpy.matrix_transpose", "numpy.linalg.matrix_transpose", "numpy.ndarray.mT"], "x, /", shape::matrix_transpose),
    view(&["numpy.swapaxes", "numpy.ndarray.swapaxes"], "a, axis1, axis2", shape::swap_axes),
    view(&["numpy.moveaxis"], "a, source, destination", shape::move_axis),
    view(&["numpy.rollaxis"], "a, axis, start=0", shape::roll_axis),
    itself(&["numpy.squeeze", "numpy.ndarray.squeeze"], "a, axis=None", shape::squeeze),
    view(&["numpy.expand_dims"], "a, axis", shape::expand_dims),
    read_only(&["numpy.broadcast_to"], "array, shape, subok=False|True", shape::broadcast_to),
    itself(&["numpy.broadcast_arrays"], "*args, subok=False|True", shape::broadcast_arrays),
    fresh(&["numpy.broadcast_shapes"], "*args", shape::broadcast_shapes_of),
    itself(&["numpy.atleast_1d"], "*arys", |c| shape::at_least(c, 1)),
    itself(&["numpy.atleast_2d"], "*arys", |c| shape::at_least(c, 2)),
    itself(&["numpy.atleast_3d"], "*arys", |c| shape::at_least(c, 3)),
    fresh(&["numpy.concatenate"], "arrays, axis=0, out=None, *, dtype=None, casting=same_kind|safe|unsafe|no|equiv", join::concatenate_all),
    fresh(&["numpy.append"], "arr, values, axis=None", join::append),
    fresh(&["numpy.stack"], "arrays, axis=0, out=None, *, dtype=None, casting=same_kind|safe|unsafe|no|equiv", join::stack),
    fresh(&["numpy.vstack"], JOIN, |c| join::stack_at_least(c, 2, 0)),
    fresh(&["numpy.dstack"], JOIN, |c| join::stack_at_least(c, 3, 2)),
    fresh(&["numpy.hstack"], JOIN, join::hstack),
    fresh(&["numpy.column_stack"], "tup", join::column_stack),
    view(&["numpy.split"], SPLIT, |c| join::split(c, false)),
    view(&["numpy.array_split"], SPLIT, |c| join::split(c, true)),
    view(&["numpy.hsplit"], "ary, indices_or_sections", join::hsplit),
    view(&["numpy.vsplit"], "ary, indices_or_sections", join::vsplit),
    view(&["numpy.dsplit"], "ary, indices_or_sections", |c| join::split_at(c, 2, "dsplit")),
    read_only(&["numpy.lib.stride_tricks.sliding_window_view"], "x, window_shape, axis=None, *, subok=False|True, writeable=False", arrange::windows),
    view(&["numpy.flip"], "m, axis=None", arrange::flip),
    view(&["numpy.flipud"], "m", |c| arrange::flip_axis(c, 0)),
    view(&["numpy.fliplr"], "m", |c| arrange::flip_axis(c, 1)),
    view(&["numpy.rot90"], "m, k=1, axes=None", arrange::rotate),
    fresh(&["numpy.roll"], "a, shift, axis=None", arrange::roll),
    fresh(&["numpy.tile"], "A, reps", arrange::tile),
    fresh(&["numpy.repeat", "numpy.ndarray.repeat"], "a, repeats, axis=None", arrange::repeat),
    fresh(&["numpy.pad"], "array, pad_width, mode=constant, *, constant_values=0", arrange::pad),
    read_only(&["numpy.diagonal", "numpy.ndarray.diagonal"], "a, offset=0, axis1=0, axis2=1", diagonal::diagonal),
    read_only(&["numpy.linalg.diagonal"], "a, /, *, offset=0, axis1=-2, axis2=-1", diagonal::diagonal),
    read_only(&["numpy.diag"], "v, k=0", diagonal::diag),
    fresh(&["numpy.diagflat"], "v, k=0", diagonal::diag_flat),
    fresh(&["numpy.tril"], "m, k=0", |c| diagonal::triangle(c, false)),
    fresh(&["numpy.triu"], "m, k=0", |c| diagonal::triangle(c, true)),
    fresh(&["numpy.diff"], "a, n=1, axis=-1, prepend=None, append=None", order::diff),
    fresh(&["numpy.trapezoid"], "y, x=None, dx=1.0, axis=-1", order::trapezoid),
    fresh(&["numpy.choose", "numpy.ndarray.choose"], "a, choices, out=None, mode=raise", take::choose),

    // Indexing.
    view(&["operator.getitem"], OPERATOR, index::get),
    fresh(&["numpy.take", "numpy.ndarray.take"], "a, indices, axis=None, out=None, mode=raise", take::take),
    fresh(&["numpy.take_along_axis"], "arr, indices, axis=-1", take::take_along_axis),
    fresh(&["numpy.compress"], "condition, a, axis=None, out=None", take::compress),
    fresh(&["numpy.ndarray.compress"], "a, condition, axis=None, out=None", take::compress),
    fresh(&["numpy.extract"], "condition, a", take::compress),
    fresh(&["numpy.nonzero", "numpy.ndarray.nonzero"], "a", take::nonzero),
    fresh(&["numpy.argwhere"], "a", take::arg_where),
    fresh(&["numpy.flatnonzero"], "a", take::flat_nonzero),
    fresh(&["numpy.where"], "condition, x=None, y=None, /", composed::choose_by),
    fresh(&["numpy.select"], "condlist, choicelist, default=0", composed::select),

    // Elementwise compositions.
    fresh(&["numpy.clip"], "a, a_min=None, a_max=None, out=None, *, min=None, max=None, dtype=None, casting=same_kind|safe|unsafe|no|equiv", composed::clip),
    fresh(&["numpy.ndarray.clip"], "a, a_min=None, a_max=None, out=None, *, min=None, max=None, dtype=None, casting=same_kind|safe|unsafe|no|equiv", composed::clip),
    fresh(&["numpy.round", "numpy.around", "numpy.ndarray.round"], "a, decimals=0, out=None", composed::round),
    fresh(&["numpy.nan_to_num"], "x, copy=True|False, nan=0.0, posinf=None, neginf=None", composed::nan_to_num),
    fresh(&["numpy.isclose"], "a, b, rtol=1e-5, atol=1e-8, equal_nan=False", composed::is_close),
    fresh(&["numpy.allclose"], "a, b, rtol=1e-5, atol=1e-8, equal_nan=False", composed::all_close),
    fresh(&["numpy.array_equal"], "a1, a2, equal_nan=False", composed::array_equal),
    fresh(&["numpy.sinc", "scipy.special.sinc"], "x", composed::sinc),
    fresh(&["numpy.angle"], "z, deg=False", composed::angle),
    itself(&["numpy.real", "numpy.ndarray.real"], "val", |c| composed::complex_part(c, E::Real)),
    view(&["numpy.imag", "numpy.ndarray.imag"], "val", |c| composed::complex_part(c, E::Imag)),
    itself(&["numpy.ndarray.conj", "numpy.ndarray.conjugate"], "val", |c| composed::complex_part(c, E::Conjugate)),
    fresh(&["numpy.isreal"], "x", |c| composed::compare_imag(c, E::Equal)),
    fresh(&["numpy.iscomplex"], "x", |c| composed::compare_imag(c, E::NotEqual)),
    fresh(&["numpy.divmod"], ufunc::BINARY, |c| ufunc::several(c, &[E::FloorDivide, E::Remainder], 2)),
    fresh(&["numpy.modf"], ufunc::UNARY, ufunc::modf),
    fresh(&["numpy.frexp"], ufunc::UNARY, |c| ufunc::several(c, &[E::FrexpMantissa, E::FrexpExponent], 1)),

    // Special functions, composed.
    fresh(&["scipy.special.bdtr"], "k, n, p, /, out=None", |c| special::binomial(c, false)),
    fresh(&["scipy.special.bdtrc"], "k, n, p, /, out=None", |c| special::binomial(c, true)),
    fresh(&["scipy.special.nbdtr"], "k, n, p, /, out=None", |c| special::negative_binomial(c, false)),
    fresh(&["scipy.special.nbdtrc"], "k, n, p, /, out=None", |c| special::negative_binomial(c, true)),
    fresh(&["scipy.special.pdtr"], "k, m, /, out=None", |c| special::poisson(c, E::Gammaincc)),
    fresh(&["scipy.special.pdtrc"], "k, m, /, out=None", |c| special::poisson(c, E::Gammainc)),
    fresh(&["scipy.special.chdtr"], "v, x, /, out=None", |c| special::chi_square(c, E::Gammainc)),
    fresh(&["scipy.special.chdtrc"], "v, x, /, out=None", |c| special::chi_square(c, E::Gammaincc)),
    fresh(&["scipy.special.chdtri"], "v, p, /, out=None", special::chi_square_inverse),
    fresh(&["scipy.special.gdtr"], "a, b, x, /, out=None", |c| special::gamma(c, E::Gammainc)),
    fresh(&["scipy.special.gdtrc"], "a, b, x, /, out=None", |c| special::gamma(c, E::Gammaincc)),
    fresh(&["scipy.special.fdtr"], "dfn, dfd, x, /, out=None", |c| special::fisher(c, false)),
    fresh(&["scipy.special.fdtrc"], "dfn, dfd, x, /, out=None", |c| special::fisher(c, true)),
    fresh(&["scipy.special.fdtri"], "dfn, dfd, p, /, out=None", special::fisher_inverse),
    fresh(&["scipy.special.radian"], "d, m, s, /, out=None", special::radian),
    fresh(&["scipy.special.powm1"], "x, y, /, out=None", special::power_less_one),
    fresh(&["scipy.special.exp10"], "x, /, out=None", special::power_of_ten),
    fresh(&["scipy.special.comb"], "N, k, *, exact=False, repetition=False", special::combinations),
    fresh(&["scipy.special.perm"], "N, k, exact=False", special::permutations),
    fresh(&["scipy.special.factorial"], "n, exact=False, extend=zero", special::factorial),
    fresh(&["scipy.special.zeta"], "x, q=None, out=None", special::zeta),
    fresh(&["scipy.special.spherical_jn"], "n, z, derivative=False", special::spherical_jn),
    fresh(&["scipy.special.polygamma"], "n, x", special::polygamma),
    fresh(&["scipy.special.multigammaln"], "a, d", special::multigammaln),
    fresh(&["scipy.special.sici"], "x, /, out=None", |c| special::both(c, [E::SinIntegral, E::CosIntegral])),
    fresh(&["scipy.special.shichi"], "x, /, out=None", |c| special::both(c, [E::SinhIntegral, E::CoshIntegral])),
    fresh(&["scipy.special.fresnel"], "x, /, out=None", |c| special::both(c, [E::FresnelS, E::FresnelC])),
    fresh(&["numpy.i0"], "x", special::i0),

    // Making arrays.
    fresh(&["numpy.zeros", "numpy.empty"], FILLED, |c| create::filled(c, 0.0)),
    fresh(&["numpy.ndarray"], "shape, dtype=None, buffer=None, offset=0, strides=None, order=None|C|F", |c| create::filled(c, 0.0)),
    fresh(&["numpy.ones"], FILLED, |c| create::filled(c, 1.0)),
    fresh(&["numpy.full"], "shape, fill_value, dtype=None, order=C|F, *, device=None|cpu, like=None", create::full),
    fresh(&["numpy.zeros_like", "numpy.empty_like"], FILLED_LIKE, |c| create::filled_like(c, 0.0)),
    fresh(&["numpy.ones_like"], FILLED_LIKE, |c| create::filled_like(c, 1.0)),
    fresh(&["numpy.full_like"], "a, fill_value, dtype=None, order=K|C|A|F, subok=True|False, shape=None, *, device=None|cpu", create::full_like),
    fresh(&["numpy.arange"], "start, stop=None, step=None, dtype=None, *, device=None|cpu, like=None", create::arange),
    fresh(&["numpy.linspace"], "start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None|cpu", create::linspace),
    fresh(&["numpy.logspace"], "start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0", create::logspace),
    fresh(&["numpy.geomspace"], "start, stop, num=50, endpoint=True, dtype=None, axis=0", create::geomspace),
    fresh(&["numpy.eye"], "N, M=None, k=0, dtype=None, order=C|F, *, device=None|cpu, like=None", create::eye),
    fresh(&["numpy.identity"], "N, dtype=None, *, like=None, M=None, k=0", create::eye),
    fresh(&["numpy.tri"], "N, M=None, k=0, dtype=None, *, like=None", create::tri),
    fresh(&["numpy.vander"], "x, N=None, increasing=False", create::vander),
    fresh(&["numpy.meshgrid"], "*xi, copy=True, sparse=False, indexing=xy", create::meshgrid),
    fresh(&["numpy.array"], "object, dtype=None, *, copy=True|None, order=K|C|A|F|None, subok=False|True, ndmin=0, like=None", create::as_array_of),
    itself(&["numpy.asarray", "numpy.asanyarray"], AS_ARRAY, create::as_array_of),
    itself(&["numpy.ascontiguousarray"], "a, dtype=None, *, like=None", create::as_contiguous),
    itself(&["numpy.asfortranarray"], "a, dtype=None, *, like=None", create::as_contiguous),
    itself(&["numpy.require"], "a, dtype=None, requirements=None, *, like=None", create::require),
    fresh(&["numpy.ndarray.astype"], "x, dtype, order=K|C|A|F, casting=unsafe, subok=True|False, copy=True|False", shape::as_type),
    fresh(&["numpy.astype"], "x, dtype, /, *, copy=True|False, device=None|cpu", shape::as_type),
    fresh(&["numpy.copy"], "object, order=K|C|A|F, subok=False|True, *, dtype=None, ndmin=0", create::as_array_of),
    fresh(&["numpy.ndarray.copy"], "a, order=C|K|A|F", shape::copy),
    fresh(&["numpy.ndarray.item"], "self, /, *args", python::item),
    fresh(&["numpy.ndarray.tolist"], "self", python::to_list),
    fresh(&["numpy.bool"], "value=None, /", |c| python::scalar_type(c, DType::Bool)),
    fresh(&["numpy.int8"], "value=None, /", |c| python::scalar_type(c, DType::I8)),
    fresh(&["numpy.int16"], "value=None, /", |c| python::scalar_type(c, DType::I16)),
    fresh(&["numpy.int32"], "value=None, /", |c| python::scalar_type(c, DType::I32)),
    fresh(&["numpy.int64"], "value=None, /", |c| python::scalar_type(c, DType::I64)),
    fresh(&["numpy.uint8"], "value=None, /", |c| python::scalar_type(c, DType::U8)),
    fresh(&["numpy.uint16"], "value=None, /", |c| python::scalar_type(c, DType::U16)),
    fresh(&["numpy.uint32"], "value=None, /", |c| python::scalar_type(c, DType::U32)),
    fresh(&["numpy.uint64"], "value=None, /", |c| python::scalar_type(c, DType::U64)),
    fresh(&["numpy.float32"], "value=None, /", |c| python::scalar_type(c, DType::F32)),
    fresh(&["numpy.float64"], "value=None, /", |c| python::scalar_type(c, DType::F64)),
    fresh(&["numpy.complex64"], "value=None, /", |c| python::scalar_type(c, DType::C64)),
    fresh(&["numpy.complex128"], "value=None, /", |c| python::scalar_type(c, DType::C128)),

    // Questions.
    fresh(&["numpy.shape", "numpy.ndarray.shape"], "a", create::shape_of),
    fresh(&["numpy.ndim", "numpy.ndarray.ndim"], "a", create::rank_of),
    fresh(&["numpy.size", "numpy.ndarray.size"], "a, axis=None", create::size_of),
    fresh(&["numpy.ndarray.dtype"], "a", create::dtype_of),
    fresh(&["numpy.ndarray.itemsize"], "a", create::item_size),
    fresh(&["numpy.ndarray.nbytes"], "a", create::byte_size),
    fresh(&["numpy.iscomplexobj"], "x", |c| create::is_complex_object(c, true)),
    fresh(&["numpy.isrealobj"], "x", |c| create::is_complex_object(c, false)),
    fresh(&["numpy.isscalar"], "element", create::is_scalar),
    fresh(&["numpy.result_type"], "*arrays_and_dtypes", create::result_type_of),
    fresh(&["numpy.promote_types"], "type1, type2, /", create::promote_types),
    fresh(&["numpy.can_cast"], "from_, to, casting=safe", create::can_cast),

    // Python.
    fresh(&["operator.add"], OPERATOR, |c| ufunc::operator(c, E::Add)),
    fresh(&["operator.sub"], OPERATOR, |c| ufunc::operator(c, E::Subtract)),
    fresh(&["operator.mul"], OPERATOR, |c| ufunc::operator(c, E::Multiply)),
    fresh(&["operator.truediv"], OPERATOR, |c| ufunc::operator(c, E::Divide)),
    fresh(&["operator.floordiv"], OPERATOR, |c| ufunc::operator(c, E::FloorDivide)),
    fresh(&["operator.mod"], OPERATOR, |c| ufunc::operator(c, E::Remainder)),
    fresh(&["operator.pow"], OPERATOR, |c| ufunc::operator(c, E::Power)),
    fresh(&["operator.and_"], OPERATOR, |c| ufunc::operator(c, E::BitwiseAnd)),
    fresh(&["operator.or_"], OPERATOR, |c| ufunc::operator(c, E::BitwiseOr)),
    fresh(&["operator.xor"], OPERATOR, |c| ufunc::operator(c, E::BitwiseXor)),
    fresh(&["operator.lshift"], OPERATOR, |c| ufunc::operator(c, E::LeftShift)),
    fresh(&["operator.rshift"], OPERATOR, |c| ufunc::operator(c, E::RightShift)),
    fresh(&["operator.eq"], OPERATOR, |c| ufunc::operator(c, E::Equal)),
    fresh(&["operator.ne"], OPERATOR, |c| ufunc::operator(c, E::NotEqual)),
    fresh(&["operator.lt"], OPERATOR, |c| ufunc::operator(c, E::Less)),
    fresh(&["operator.le"], OPERATOR, |c| ufunc::operator(c, E::LessEqual)),
    fresh(&["operator.gt"], OPERATOR, |c| ufunc::operator(c, E::Greater)),
    fresh(&["operator.ge"], OPERATOR, |c| ufunc::operator(c, E::GreaterEqual)),
    fresh(&["operator.neg"], "a, /", |c| ufunc::operator(c, E::Negative)),
    fresh(&["operator.pos"], "a, /", |c| ufunc::operator(c, E::Positive)),
    fresh(&["operator.invert"], "a, /", |c| ufunc::operator(c, E::Invert)),
    fresh(&["operator.abs", "builtins.abs"], "a, /", |c| ufunc::operator(c, E::Absolute)),
    fresh(&["operator.not_"], "a, /", python::negate_truth),
    fresh(&["builtins.pow"], "a, b", |c| ufunc::operator(c, E::Power)),
    fresh(&["builtins.divmod"], OPERATOR, python::python_divmod),
    fresh(&["builtins.bool"], "x, /", |c| python::python_number(c, DType::Bool)),
    fresh(&["builtins.int"], "x, /", |c| python::python_number(c, DType::I64)),
    fresh(&["builtins.float"], "x, /", |c| python::python_number(c, DType::F64)),
    fresh(&["builtins.complex"], "x, imag=None", python::python_complex),
    fresh(&["builtins.round"], "number, ndigits=None", python::python_round),
    fresh(&["builtins.max"], "*args", |c| python::python_extreme(c, E::Greater)),
    fresh(&["builtins.min"], "*args", |c| python::python_extreme(c, E::Less)),
    fresh(&["builtins.sum"], "iterable, /, start=0", python::python_sum),
    fresh(&["builtins.len"], "obj, /", python::length),
    fresh(&["math.log"], "x, base=None, /", python::math_log),
];

type Handler = Box<dyn Fn(&mut Call<'_>) -> Result<Arg> + Send + Sync>;

/// A name with what it does.
pub(super) struct Entry {
    pub signature: Signature,
    pub handler: Handler,
    /// The name without its module, as messages write it.
    pub short: &'static str,
    pub shares: Shares,
}

static ENTRIES: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let mut entries = HashMap::new();
    let mut add =
        |name: &'static str, signature: &'static str, shares: Shares, handler: Handler| {
            entries.entry(name).or_insert_with(|| Entry {
                signature: Signature::parse(signature),
                handler,
                short: name.rsplit('.').next().unwrap_or(name),
                shares,
            });
        };
    for row in ROWS {
        for name in row.names {
            add(name, row.signature, row.shares, Box::new(row.handler));
        }
    }
    for &op in E::ALL {
        for name in op.def().numpy {
            add_ufunc(&mut add, name, op);
        }
    }
    for &(name, op, arity) in python::MATH {
        let signature = if arity == 1 { "x, /" } else { "x1, x2, /" };
        let handler = move |call: &mut Call<'_>| python::math(call, op, arity);
        add(name, signature, Shares::Nothing, Box::new(handler));
    }
    entries
});

/// A ufunc and, if it has two operands, its `outer`.
fn add_ufunc(
    add: &mut impl FnMut(&'static str, &'static str, Shares, Handler),
    name: &'static str,
    op: E,
) {
    let (signature, arity) = match op.arity() {
        1 => (ufunc::UNARY, 1),
        2 => (ufunc::BINARY, 2),
        3 => (ufunc::TERNARY, 3),
        4 => (ufunc::QUATERNARY, 4),
        _ => return,
    };
    let scipy = name.starts_with("scipy.");
    let meaning = if scipy { ufunc::special } else { ufunc::ufunc };
    let handler = move |call: &mut Call<'_>| meaning(call, op, arity);
    add(name, signature, Shares::Nothing, Box::new(handler));
    if let (2, false, Some(outer)) = (arity, scipy, OUTER.get(name)) {
        let handler = move |call: &mut Call<'_>| reduce::outer(call, op);
        add(outer, "A, B, /", Shares::Nothing, Box::new(handler));
    }
}

/// `numpy.add` to `numpy.add.outer`.
static OUTER: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let spellings = E::ALL.iter().flat_map(|op| op.def().numpy);
    spellings
        .map(|name| (*name, format!("{name}.outer")))
        .collect()
});

pub(super) fn lookup(name: &str) -> Option<&'static Entry> {
    ENTRIES.get(name)
}

/// Every name that [`super::call`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.keys().copied()
}

/// What the result of `name` may share with its first argument; for `operator.getitem` see
/// [`super::reads_copy`].
pub fn shares(name: &str) -> Shares {
    lookup(name).map_or(Shares::Nothing, |entry| entry.shares)
}

/// Where `out` stands among the positional parameters of `name`.
pub fn out_position(name: &str) -> Option<usize> {
    lookup(name)?.signature.position("out")
}

/// Whether `name` knows `out`; of what has no row here, only NumPy can tell.
pub fn takes_out(name: &str) -> bool {
    lookup(name).is_none_or(|entry| entry.signature.has("out"))
}

/// Whether the dtype of `out` decides more than what the result is cast to: what is computed in, or whether
/// it is refused.
pub fn computes_in_out(name: &str) -> bool {
    let short = name.rsplit('.').next().unwrap_or(name);
    let takes_dtype = lookup(name)
        .is_some_and(|entry| entry.signature.has("dtype") && !entry.signature.has("casting"));
    takes_dtype || matches!(short, "dot" | "take" | "round" | "around" | "ptp")
}

/// Whether `name` is a ufunc, whose `where=` leaves the other elements of `out` as they are.
pub fn is_ufunc(name: &str) -> bool {
    lookup(name).is_some_and(|entry| entry.signature.has("casting") && entry.signature.has("where"))
}
