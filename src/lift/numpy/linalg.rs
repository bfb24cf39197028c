//! Products and norms.
//!
//! In: a bound call. Out: contractions and what is composed of them.
//! `X @ w` is `contract(X, w) contract=(1, 0)`; `np.linalg.norm(x)` is `sqrt(sum(square(x)))`.

use super::argument::*;
use super::reduce::squared;
use super::signature::Call;
use super::{Arg, Form};
use crate::error::{Error, Result};
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::ops::decompose::Decomposition;
use crate::ops::{Axes, Elementwise as E, Op, Reduction, show_shape};

/// Pairs of axes, left and right.
type Pairs = smallvec::SmallVec<[(usize, usize); 2]>;

/// Two operands under their common dtype.
fn pair(call: &mut Call<'_>, left: &str, right: &str) -> Result<(NodeId, NodeId)> {
    let args = [call.arg(left), call.arg(right)];
    let nodes = promoted(call.b, &args)?;
    Ok((nodes[0], nodes[1]))
}

pub(super) fn contract(
    b: &mut Builder,
    x: NodeId,
    y: NodeId,
    batch: Pairs,
    contract: Pairs,
) -> Result<NodeId> {
    b.add(Op::Contract { batch, contract }, &[x, y])
}

fn one_pair(i: usize, j: usize) -> Pairs {
    [(i, j)].into_iter().collect()
}

/// `np.dot(a, b)`, `x.dot(y)`.
pub(super) fn dot(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let node = dotted(call.b, x, y)?;
    Ok(scalar_or_array(call.b, node))
}

fn dotted(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    let (m, n) = (b.aval(x).rank(), b.aval(y).rank());
    if m == 0 || n == 0 {
        return binary(b, E::Multiply, x, y);
    }
    contract(b, x, y, Pairs::new(), one_pair(m - 1, n.saturating_sub(2)))
}

/// `np.inner(a, b)`.
pub(super) fn inner(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let (m, n) = (call.b.aval(x).rank(), call.b.aval(y).rank());
    let node = if m == 0 || n == 0 {
        binary(call.b, E::Multiply, x, y)?
    } else {
        contract(call.b, x, y, Pairs::new(), one_pair(m - 1, n - 1))?
    };
    Ok(scalar_or_array(call.b, node))
}

/// `np.vdot(a, b)`.
pub(super) fn vdot(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let (x, y) = (ravel(call.b, x)?, ravel(call.b, y)?);
    let x = conjugate(call.b, x)?;
    let (s, t) = (
        call.b.aval(x).shape[0].clone(),
        call.b.aval(y).shape[0].clone(),
    );
    if !call.b.assume_equal(&s, &t) {
        return Err(Error::value(format!(
            "cannot reshape array of size {} into shape ({},)",
            shown(call.b, &t),
            shown(call.b, &s)
        )));
    }
    let node = contract(call.b, x, y, Pairs::new(), one_pair(0, 0))?;
    Ok(scalar_or_array(call.b, node))
}

fn conjugate(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    if b.aval(x).dtype.is_complex() {
        unary(b, E::Conjugate, x)
    } else {
        Ok(x)
    }
}

/// `np.outer(a, b)`.
pub(super) fn outer(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let (x, y) = (ravel(call.b, x)?, ravel(call.b, y)?);
    let x = expand(call.b, x, &[1])?;
    Ok(as_array(binary(call.b, E::Multiply, x, y)?))
}

/// `np.kron(a, b)`.
pub(super) fn kron(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let (s, t) = (call.b.aval(x).shape.clone(), call.b.aval(y).shape.clone());
    let rank = s.len().max(t.len());
    let padded = |s: &Shape| -> Vec<Dim> {
        let ones = std::iter::repeat_n(Dim::known(1), rank - s.len());
        ones.chain(s.iter().cloned()).collect()
    };
    let (s, t) = (padded(&s), padded(&t));
    let one = Dim::known(1);
    let left = s.iter().flat_map(|d| [d.clone(), one.clone()]).collect();
    let right = t.iter().flat_map(|d| [one.clone(), d.clone()]).collect();
    let (x, y) = (call.b.reshape(x, left)?, call.b.reshape(y, right)?);
    let product = binary(call.b, E::Multiply, x, y)?;
    let joined = s
        .iter()
        .zip(&t)
        .map(|(m, n)| m.clone() * n.clone())
        .collect();
    let node = call.b.reshape(product, joined)?;
    Ok(as_array(node))
}

/// `np.tensordot(a, b, axes)`.
pub(super) fn tensordot(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let (m, n) = (call.b.aval(x).rank(), call.b.aval(y).rank());
    let (left, right) = match call.arg("axes") {
        Arg::Tuple(sides) | Arg::List(sides) => {
            let [left, right] = sides.as_slice() else {
                return Err(Error::value("axes must be an integer or two sequences"));
            };
            (axes(call.b, left, m)?, axes(call.b, right, n)?)
        }
        count => {
            let count = known_integer(call.b, &count, "axes")? as usize;
            if count > m || count > n {
                return Err(Error::value("shape-mismatch for sum"));
            }
            (
                (m - count..m).collect::<Axes>(),
                (0..count).collect::<Axes>(),
            )
        }
    };
    if left.len() != right.len() {
        return Err(Error::value("shape-mismatch for sum"));
    }
    let (s, t) = (call.b.aval(x).shape.clone(), call.b.aval(y).shape.clone());
    for (&i, &j) in left.iter().zip(&right) {
        if !call.b.assume_equal(&s[i], &t[j]) {
            return Err(Error::value("shape-mismatch for sum"));
        }
    }
    let pairs = left.into_iter().zip(right).collect();
    Ok(as_array(contract(call.b, x, y, Pairs::new(), pairs)?))
}

/// `a @ b`, `np.matmul`.
pub(super) fn matmul(call: &mut Call<'_>) -> Result<Arg> {
    let args = [call.arg("x1"), call.arg("x2")];
    let mut xs = [symbolic(call.b, &args[0])?, symbolic(call.b, &args[1])?];
    if let Some(d) = dtype(&call.arg("dtype"))? {
        for x in &mut xs {
            x.node = convert(call.b, x.node, d)?;
            x.form = Form::Array;
        }
    }
    let nodes = promoted(call.b, &xs.map(Arg::Array))?;
    let node = multiply_matrices(call.b, nodes[0], nodes[1])?;
    Ok(scalar_or_array(call.b, node))
}

pub(super) fn multiply_matrices(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    let (s, t) = (b.aval(x).shape.clone(), b.aval(y).shape.clone());
    let (m, n) = (s.len(), t.len());
    for (k, rank) in [m, n].into_iter().enumerate() {
        if rank == 0 {
            return Err(Error::value(format!(
                "matmul: Input operand {k} does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)"
            )));
        }
    }
    let (i, j) = (m - 1, n.saturating_sub(2));
    if !b.assume_equal(&s[i], &t[j]) {
        return Err(Error::value(format!(
            "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) (size {} is different from {})",
            shown(b, &t[j]),
            shown(b, &s[i])
        )));
    }
    if m <= 2 && n <= 2 {
        return contract(b, x, y, Pairs::new(), one_pair(i, j));
    }
    if n <= 2 {
        // A stack times one matrix: the stack's axes are free axes of the left.
        return contract(b, x, y, Pairs::new(), one_pair(i, j));
    }
    if m == 1 {
        return contract(b, x, y, Pairs::new(), one_pair(0, j));
    }
    let outer: Vec<Shape> = [(&s, m), (&t, n)]
        .map(|(shape, rank)| shape[..rank - 2].iter().cloned().collect())
        .into();
    let batch = broadcast_shapes(b, &outer).map_err(|_| {
        let both = [&s, &t].map(|shape| show_shape(b, shape));
        Error::value(format!(
            "operands could not be broadcast together with remapped shapes [original->remapped]: {}  {} ",
            both[0], both[1]
        ))
    })?;
    let x = with_batch(b, x, &batch)?;
    let y = with_batch(b, y, &batch)?;
    let k = batch.len();
    let pairs = (0..k).map(|a| (a, a)).collect();
    contract(b, x, y, pairs, one_pair(k + 1, k))
}

/// A stack of matrices broadcast to a common outer shape.
pub(super) fn with_batch(b: &mut Builder, x: NodeId, batch: &Shape) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let mut wanted = batch.clone();
    wanted.extend(shape[shape.len() - 2..].iter().cloned());
    b.broadcast_to(x, wanted)
}

/// `np.vecdot(x1, x2, axis)`.
pub(super) fn vecdot(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "x1", "x2")?;
    let given = call.arg("axis");
    let mut moved = [x, y];
    for node in &mut moved {
        let rank = call.b.aval(*node).rank();
        let at = axis(call.b, &given, rank)?;
        let mut perm: Axes = (0..rank).filter(|a| *a != at).collect();
        perm.push(at);
        *node = call.b.transpose(*node, perm)?;
    }
    let x = conjugate(call.b, moved[0])?;
    let product = binary(call.b, E::Multiply, x, moved[1])?;
    let last = call.b.aval(product).rank() - 1;
    let axes = [last].into_iter().collect();
    let node = call.b.reduce(Reduction::Sum, product, axes)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.linalg.multi_dot(arrays)`, from the left.
pub(super) fn multi_dot(call: &mut Call<'_>) -> Result<Arg> {
    let list = call.arg("arrays");
    let list = items(call.b, &list)?;
    if list.len() < 2 {
        return Err(Error::value("Expecting at least two arrays."));
    }
    let nodes = promoted(call.b, &list)?;
    let mut node = nodes[0];
    for next in &nodes[1..] {
        node = dotted(call.b, node, *next)?;
    }
    Ok(scalar_or_array(call.b, node))
}

/// `np.trace(a, offset, axis1, axis2, dtype)`.
pub(super) fn trace(call: &mut Call<'_>) -> Result<Arg> {
    let node = super::diagonal::diagonal_node(call)?;
    let d = match dtype(&call.arg("dtype"))? {
        Some(d) => d,
        None => super::reduce::accumulator(call.b.aval(node).dtype),
    };
    let node = convert(call.b, node, d)?;
    let last = call.b.aval(node).rank() - 1;
    let axes = [last].into_iter().collect();
    let node = call.b.reduce(Reduction::Sum, node, axes)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.cross(a, b, axis)` of vectors in three dimensions.
pub(super) fn cross(call: &mut Call<'_>) -> Result<Arg> {
    let (x, y) = pair(call, "a", "b")?;
    let common = call.given("axis");
    let mut parts = [vec![], vec![]];
    for (k, (node, name)) in [(x, "axisa"), (y, "axisb")].into_iter().enumerate() {
        let rank = call.b.aval(node).rank();
        let given = call.arg(name);
        let at = axis(call.b, common.as_ref().unwrap_or(&given), rank)?;
        let size = call.b.aval(node).shape[at].clone();
        if !call.b.assume_equal(&size, &Dim::known(3)) {
            return Err(call.unlifted("vectors that are not of dimension 3"));
        }
        for i in 0..3 {
            parts[k].push(super::shape::element(call.b, node, at, i)?);
        }
    }
    let [u, v] = &parts;
    let mut rows = Vec::with_capacity(3);
    for (i, j) in [(1, 2), (2, 0), (0, 1)] {
        let plus = binary(call.b, E::Multiply, u[i], v[j])?;
        let minus = binary(call.b, E::Multiply, u[j], v[i])?;
        rows.push(binary(call.b, E::Subtract, plus, minus)?);
    }
    let rank = call.b.aval(rows[0]).rank() + 1;
    let given = call.arg("axisc");
    let at = axis(call.b, common.as_ref().unwrap_or(&given), rank)?;
    for row in &mut rows {
        *row = expand(call.b, *row, &[at])?;
    }
    Ok(as_array(concatenate(call.b, &rows, at)?))
}

// Norms.

/// Which norm is asked for.
enum Order {
    /// Square root of the sum of squares.
    Euclid,
    Largest,
    Smallest,
    Count,
    Power(f64),
}

/// `np.linalg.norm(x, ord, axis, keepdims)`.
pub(super) fn norm(call: &mut Call<'_>, name: &str) -> Result<Arg> {
    let arg = call.arg(name);
    let x = array(call.b, &arg)?;
    let mut x = inexact(call.b, x)?;
    let shape = call.b.aval(x).shape.clone();
    let keep = call.flag("keepdims")?;
    let order = call.arg("ord");
    let mut axes = match call.arg("axis") {
        Arg::None if order == Arg::None => (0..shape.len()).collect(),
        Arg::None if shape.len() > 2 || shape.is_empty() => {
            return Err(Error::value("Improper number of dimensions to norm."));
        }
        Arg::None => (0..shape.len()).collect(),
        given => super::argument::axes(call.b, &given, shape.len())?,
    };
    let everything = order == Arg::None && axes.len() == shape.len();
    if shape.is_empty() {
        x = ravel(call.b, x)?;
        axes = [0].into_iter().collect();
    }
    let node = match (axes.len(), everything) {
        (_, true) => euclid(call.b, x, &axes)?,
        (1, _) => vector_norm(call, x, axes[0], &order)?,
        (2, _) => matrix_norm(call, x, axes[0], axes[1], &order)?,
        _ => return Err(Error::value("Improper number of dimensions to norm.")),
    };
    let node = if shape.is_empty() {
        call.b.reshape(node, Shape::new())?
    } else if keep {
        keep_dims(call.b, node, &shape, &axes)?
    } else {
        node
    };
    Ok(scalar_or_array(call.b, node))
}

/// `sqrt(sum(square(x)))`.
fn euclid(b: &mut Builder, x: NodeId, axes: &[usize]) -> Result<NodeId> {
    let squares = squared(b, x)?;
    let mut sorted: Axes = axes.into();
    sorted.sort_unstable();
    let sum = b.reduce(Reduction::Sum, squares, sorted)?;
    root_of_squares(b, sum)
}

/// The root of a sum of squares. A root has no derivative at 0; a norm has subgradients there, of which 0
/// is one. So a zero sum takes the root of 1 and is multiplied by 0: the value is the same, and
/// so is the derivative of everything else.
pub(super) fn root_of_squares(b: &mut Builder, sum: NodeId) -> Result<NodeId> {
    let zero = b.float(0.0);
    let one = b.float(1.0);
    let positive = binary(b, E::NotEqual, sum, zero)?;
    let safe = b.elementwise(E::Where, &[positive, sum, one])?;
    let root = unary(b, E::Sqrt, safe)?;
    binary(b, E::Multiply, root, positive)
}

fn vector_order(call: &Call<'_>, order: &Arg) -> Result<Order> {
    Ok(match order {
        Arg::None | Arg::Int(2) => Order::Euclid,
        Arg::Int(0) => Order::Count,
        Arg::Int(p) => Order::Power(*p as f64),
        Arg::Float(p) if *p == f64::INFINITY => Order::Largest,
        Arg::Float(p) if *p == f64::NEG_INFINITY => Order::Smallest,
        Arg::Float(p) if *p == 2.0 => Order::Euclid,
        Arg::Float(p) if *p == 0.0 => Order::Count,
        Arg::Float(p) => Order::Power(*p),
        Arg::Str(s) => {
            return Err(Error::value(format!(
                "Invalid norm order '{s}' for vectors"
            )));
        }
        _ => return Err(call.unlifted("this `ord`")),
    })
}

fn vector_norm(call: &mut Call<'_>, x: NodeId, axis: usize, order: &Arg) -> Result<NodeId> {
    let order = vector_order(call, order)?;
    let b = &mut *call.b;
    let axes: Axes = [axis].into_iter().collect();
    if let Order::Euclid = order {
        return euclid(b, x, &axes);
    }
    let size = unary(b, E::Absolute, x)?;
    match order {
        Order::Euclid => euclid(b, x, &axes),
        Order::Largest => b.reduce(Reduction::Max, size, axes),
        Order::Smallest => b.reduce(Reduction::Min, size, axes),
        Order::Count => {
            let zero = b.float(0.0);
            let present = binary(b, E::NotEqual, x, zero)?;
            let real = b.aval(x).dtype.real();
            let ones = convert(b, present, real)?;
            b.reduce(Reduction::Sum, ones, axes)
        }
        Order::Power(1.0) => b.reduce(Reduction::Sum, size, axes),
        Order::Power(p) => {
            let exponent = b.float(p);
            let powers = binary(b, E::Power, size, exponent)?;
            let sum = b.reduce(Reduction::Sum, powers, axes)?;
            let inverse = b.float(1.0 / p);
            binary(b, E::Power, sum, inverse)
        }
    }
}

/// Frobenius, column sums, row sums, and what is made of singular values.
pub(super) fn matrix_norm(
    call: &mut Call<'_>,
    x: NodeId,
    row: usize,
    column: usize,
    order: &Arg,
) -> Result<NodeId> {
    if row == column {
        return Err(Error::value("Duplicate axes given."));
    }
    // Sum along one axis, then take the extreme along the other.
    let (summed, kept, kind) = match order {
        Arg::None => return euclid(call.b, x, &[row, column]),
        Arg::Str(s) if s == "fro" || s == "f" => return euclid(call.b, x, &[row, column]),
        Arg::Int(1) => (row, column, Reduction::Max),
        Arg::Int(-1) => (row, column, Reduction::Min),
        Arg::Float(p) if *p == f64::INFINITY => (column, row, Reduction::Max),
        Arg::Float(p) if *p == f64::NEG_INFINITY => (column, row, Reduction::Min),
        Arg::Int(2) => return of_singular_values(call.b, x, [row, column], Reduction::Max),
        Arg::Int(-2) => return of_singular_values(call.b, x, [row, column], Reduction::Min),
        Arg::Str(s) if s == "nuc" => {
            return of_singular_values(call.b, x, [row, column], Reduction::Sum);
        }
        Arg::Array(_) => return Err(call.unlifted("a computed `ord`")),
        _ => return Err(Error::value("Invalid norm order for matrices.")),
    };
    let size = unary(call.b, E::Absolute, x)?;
    let sum = call
        .b
        .reduce(Reduction::Sum, size, [summed].into_iter().collect())?;
    let kept = if kept > summed { kept - 1 } else { kept };
    call.b.reduce(kind, sum, [kept].into_iter().collect())
}

/// A reduction of the singular values of the matrices in two axes.
fn of_singular_values(
    b: &mut Builder,
    x: NodeId,
    [row, column]: [usize; 2],
    kind: Reduction,
) -> Result<NodeId> {
    let rank = b.aval(x).rank();
    let mut perm: Axes = (0..rank).filter(|a| ![row, column].contains(a)).collect();
    perm.extend([row, column]);
    let x = b.transpose(x, perm)?;
    let s = super::decompose::of(b, Decomposition::SingularValues, x)?;
    b.reduce(kind, s, [rank - 2].into_iter().collect())
}

/// `np.linalg.matrix_norm(x, keepdims, ord)`.
pub(super) fn array_matrix_norm(call: &mut Call<'_>) -> Result<Arg> {
    let x = super::decompose::matrices(call, "x")?;
    let shape = call.b.aval(x).shape.clone();
    let order = call.arg("ord");
    let axes = [shape.len() - 2, shape.len() - 1];
    let node = matrix_norm(call, x, axes[0], axes[1], &order)?;
    let node = match call.flag("keepdims")? {
        true => keep_dims(call.b, node, &shape, &axes)?,
        false => node,
    };
    Ok(scalar_or_array(call.b, node))
}

/// `np.linalg.vector_norm(x, axis, keepdims, ord)`.
pub(super) fn array_vector_norm(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    let x = inexact(call.b, x)?;
    let shape = call.b.aval(x).shape.clone();
    let axes = match call.arg("axis") {
        Arg::None => (0..shape.len()).collect(),
        given => super::argument::axes(call.b, &given, shape.len())?,
    };
    let order = call.arg("ord");
    let node = match (axes.as_slice(), vector_order(call, &order)?) {
        ([], _) => unary(call.b, E::Absolute, x)?,
        ([one], _) => vector_norm(call, x, *one, &order)?,
        (several, Order::Euclid) => euclid(call.b, x, several)?,
        _ if axes.len() == shape.len() => {
            let flat = ravel(call.b, x)?;
            vector_norm(call, flat, 0, &order)?
        }
        _ => return Err(call.unlifted("several axes with this `ord`")),
    };
    let node = if call.flag("keepdims")? {
        keep_dims(call.b, node, &shape, &axes)?
    } else {
        node
    };
    Ok(scalar_or_array(call.b, node))
}

// Convolution.

/// `np.convolve(a, v, mode)` and `np.correlate(a, v, mode)`: windows times a kernel.
pub(super) fn convolve(call: &mut Call<'_>, flip: bool) -> Result<Arg> {
    let (x, y) = pair(call, "a", "v")?;
    let mut sides = [x, y];
    for side in &mut sides {
        if call.b.aval(*side).rank() == 0 {
            *side = ravel(call.b, *side)?;
        }
        if call.b.aval(*side).rank() != 1 {
            return Err(Error::value("object too deep for desired array"));
        }
        if call.b.aval(*side).shape[0].as_known() == Some(0) {
            return Err(Error::value("a and v cannot be empty"));
        }
    }
    let [x, y] = sides;
    let (n, m) = (
        call.b.aval(x).shape[0].clone(),
        call.b.aval(y).shape[0].clone(),
    );
    let shorter = if call.b.assume_at_most(&m, &n) {
        &m
    } else {
        &n
    };
    let longer = if *shorter == m { &n } else { &m };
    let one = Dim::known(1);
    let full = n.clone() + m.clone() - one.clone();
    let (skip, size) = match call.arg("mode") {
        Arg::Str(s) if s == "full" => (Dim::known(0), full),
        Arg::Str(s) if s == "same" => (
            (shorter.clone() - one.clone()).floor_div(&Dim::known(2)),
            longer.clone(),
        ),
        Arg::Str(s) if s == "valid" => (
            shorter.clone() - one.clone(),
            longer.clone() - shorter.clone() + one.clone(),
        ),
        _ => return Err(Error::value("mode must be 'full', 'same' or 'valid'")),
    };
    if !flip && *shorter != m {
        return Err(call.unlifted("a second array longer than the first"));
    }
    windows(call.b, x, y, flip, &skip, &size)
}

fn windows(
    b: &mut Builder,
    x: NodeId,
    y: NodeId,
    flip: bool,
    skip: &Dim,
    size: &Dim,
) -> Result<Arg> {
    let (n, m) = (b.aval(x).shape[0].clone(), b.aval(y).shape[0].clone());
    let border = m.clone() - Dim::known(1);
    // `padded[i + k]` meets the kernel's element k, or its mirror image.
    let padded = b.add(
        Op::Unslice {
            shape: [n.clone() + border.clone() + border.clone()]
                .into_iter()
                .collect(),
            ranges: [crate::ops::Range {
                start: border.clone(),
                size: n,
                step: 1,
            }]
            .into_iter()
            .collect(),
        },
        &[x],
    )?;
    let i = iota(b, size.clone(), 0, 2)?;
    let mut k = iota(b, m, 1, 2)?;
    if flip {
        let last = b.size(border);
        k = binary(b, E::Subtract, last, k)?;
    }
    let mut place = binary(b, E::Add, i, k)?;
    if skip.as_known() != Some(0) {
        let skip = b.size(skip.clone());
        place = binary(b, E::Add, place, skip)?;
    }
    let window = super::index::gather(b, padded, &[0], 0, &[place])?;
    let kernel = if flip { y } else { conjugate(b, y)? };
    let node = contract(b, window, kernel, Pairs::new(), one_pair(1, 0))?;
    Ok(as_array(node))
}
