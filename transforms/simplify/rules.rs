//! The table of rewrite rules, and the pass that applies them.
//!
//! In: a graph and how true a rule must be. Out: the graph rewritten wherever a rule matches, keeps
//! shape and dtype, and makes nothing dearer; and which rules fired.
//!
//! `np.log(1 + x)` becomes `np.log1p(x)`: the rule is `stable`, since it keeps the digits that the
//! sum would lose.
//!
//! Source: the identities are elementary; which of them keep digits follows Goldberg, *What Every
//! Computer Scientist Should Know About Floating-Point Arithmetic* (1991), and Blanchard, Higham and
//! Higham, *Accurately computing the log-sum-exp and softmax functions* (2021).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use lazy_core::error::Result;
use lazy_core::graph::{Aval, Builder, DType, Graph, NodeId, Operands};
use lazy_core::ops::{Constant, Elementwise, Op, Reduction};
use smallvec::SmallVec;

use super::pattern::{Edge, Match, Pattern, syntax};
use super::{Truth, Truths, rewrite, scalar};
use crate::Transform;

/// Where a rule holds, beyond its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On every dtype.
    Always,
    /// Unless something is complex: complex products spread NaN and the sign of zero to both parts.
    Real,
    /// If everything is float32 or float64.
    Float,
    /// On floats and signed integers, whose differences do not wrap around zero.
    Signed,
    /// If everything is an integer, where arithmetic is modular and so exact.
    Integer,
}

/// A directed rewrite rule. See [`super::pattern`] for how patterns are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    pub name: &'static str,
    pub left: &'static str,
    pub right: &'static str,
    pub when: When,
    pub truth: Truth,
}

const fn rule(
    name: &'static str,
    left: &'static str,
    right: &'static str,
    when: When,
    truth: Truth,
) -> Rule {
    Rule {
        name,
        left,
        right,
        when,
        truth,
    }
}

use Truth::{Exact, Real, Stable, Ulp};
use When::{Always, Float, Integer, Signed};

/// The rules of [`simplify`]. Their right sides are what a person would write.
pub const RULES: &[Rule] = &[
    // Identities.
    rule("multiply by one", "1*x", "x", When::Real, Exact),
    rule("divide by one", "x/1", "x", When::Real, Exact),
    rule("subtract zero", "x - 0", "x", When::Real, Exact),
    rule("add zero", "x + 0", "x", Integer, Exact),
    rule("add zero to a float", "x + 0", "x", Float, Real),
    rule("power of one", "x**1", "x", When::Real, Ulp(1)),
    rule("positive", "positive(x)", "x", Always, Exact),
    rule(
        "conjugate of a real",
        "conjugate(x)",
        "x",
        When::Real,
        Exact,
    ),
    rule("real part of a real", "real(x)", "x", When::Real, Exact),
    rule("same choice", "where(x, y, y)", "y", Always, Exact),
    rule("chosen", "where(1, x, y)", "x", Always, Exact),
    rule("not chosen", "where(0, x, y)", "y", Always, Exact),
    rule("maximum of itself", "maximum(x, x)", "x", When::Real, Exact),
    rule("minimum of itself", "minimum(x, x)", "x", When::Real, Exact),
    // Signs.
    rule("negative twice", "-(-x)", "x", Always, Exact),
    rule("multiply by minus one", "-1*x", "-x", When::Real, Exact),
    rule("divide by minus one", "x / -1", "-x", When::Real, Exact),
    rule("add a negative", "x + (-y)", "x - y", When::Real, Exact),
    rule(
        "subtract a negative",
        "x - (-y)",
        "x + y",
        When::Real,
        Exact,
    ),
    rule(
        "product of negatives",
        "(-x)*(-y)",
        "x*y",
        When::Real,
        Exact,
    ),
    rule(
        "negative constant times negative",
        "a*(-x)",
        "(-a)*x",
        Float,
        Exact,
    ),
    rule("negative of a multiple", "-(a*x)", "(-a)*x", Float, Exact),
    rule(
        "absolute of negative",
        "absolute(-x)",
        "absolute(x)",
        Float,
        Exact,
    ),
    rule(
        "absolute twice",
        "absolute(absolute(x))",
        "absolute(x)",
        When::Real,
        Exact,
    ),
    rule(
        "square of negative",
        "square(-x)",
        "square(x)",
        When::Real,
        Exact,
    ),
    rule(
        "square of absolute",
        "square(absolute(x))",
        "square(x)",
        When::Real,
        Exact,
    ),
    rule("negative difference", "-(x - y)", "y - x", Float, Real),
    rule(
        "negative difference of integers",
        "-(x - y)",
        "y - x",
        Integer,
        Exact,
    ),
    // Collecting.
    rule("twice", "x + x", "2*x", When::Real, Exact),
    rule("twice more", "x + y + y", "x + 2*y", Float, Ulp(2)),
    rule("constants together", "a*(b*x)", "(a*b)*x", Float, Ulp(2)),
    rule(
        "constants of both factors",
        "(a*x)*(b*y)",
        "(a*b)*(x*y)",
        Float,
        Ulp(3),
    ),
    rule(
        "constant of a fraction",
        "(a*x)*(b/y)",
        "((a*b)*x)/y",
        Float,
        Ulp(3),
    ),
    rule(
        "constants under a fraction",
        "(a*x)/b",
        "(a/b)*x",
        Float,
        Ulp(2),
    ),
    rule(
        "constant over a multiple",
        "a*(x/b)",
        "(a/b)*x",
        Float,
        Ulp(2),
    ),
    rule("one more", "x + a*x", "(a + 1)*x", Float, Ulp(2)),
    rule(
        "multiples together",
        "a*x + b*x",
        "(a + b)*x",
        Float,
        Ulp(3),
    ),
    rule("sum of a multiple", "sum(a*x)", "a*sum(x)", Float, Ulp(4)),
    rule("sum of negatives", "sum(-x)", "-sum(x)", Float, Ulp(1)),
    // Digits kept.
    rule("log1p", "log(1 + x)", "log1p(x)", Float, Stable),
    rule(
        "log1p of negative",
        "log(1 - x)",
        "log1p(-x)",
        Float,
        Stable,
    ),
    rule("expm1", "exp(x) - 1", "expm1(x)", Float, Stable),
    rule("negative expm1", "1 - exp(x)", "-expm1(x)", Float, Stable),
    rule(
        "softplus",
        "log1p(exp(x))",
        "logaddexp(0, x)",
        Float,
        Stable,
    ),
    rule(
        "log of logistic",
        "log(1/(1 + exp(-x)))",
        "-logaddexp(0, -x)",
        Float,
        Stable,
    ),
    rule(
        "log of logistic's complement",
        "log1p(-(1/(1 + exp(-x))))",
        "-logaddexp(0, x)",
        Float,
        Stable,
    ),
    rule(
        "log of exponentials",
        "log(exp(x) + exp(y))",
        "logaddexp(x, y)",
        Float,
        Stable,
    ),
    rule(
        "binomial log-likelihood of a logit",
        "xlogy(k, 1/(1 + exp(-x))) + xlog1py(n - k, -(1/(1 + exp(-x))))",
        "k*x - n*logaddexp(0, x)",
        Signed,
        Stable,
    ),
    rule(
        "binomial log-likelihood of expit",
        "xlogy(k, expit(x)) + xlog1py(n - k, -expit(x))",
        "k*x - n*logaddexp(0, x)",
        Signed,
        Stable,
    ),
    rule(
        "root of a square",
        "sqrt(square(x))",
        "absolute(x)",
        Float,
        Stable,
    ),
    rule(
        "root of a second power",
        "sqrt(x**2)",
        "absolute(x)",
        Float,
        Stable,
    ),
    // True of real numbers.
    rule("times zero", "0*x", "0", Integer, Exact),
    rule("float times zero", "0*x", "0", Float, Real),
    rule("difference of itself", "x - x", "0", Integer, Exact),
    rule("float difference of itself", "x - x", "0", Float, Real),
    rule("quotient of itself", "x/x", "1", Float, Real),
    rule("logarithm of exponential", "log(exp(x))", "x", Float, Real),
    rule("exponential of logarithm", "exp(log(x))", "x", Float, Real),
    rule(
        "product of exponentials",
        "exp(x)*exp(y)",
        "exp(x + y)",
        Float,
        Real,
    ),
    rule("square of a root", "sqrt(x)**2", "x", Float, Real),
    rule("squared root", "square(sqrt(x))", "x", Float, Real),
    rule(
        "product of equal roots",
        "sqrt(x)*sqrt(x)",
        "x",
        Float,
        Real,
    ),
    rule("logarithm of a power", "log(x**y)", "y*log(x)", Float, Real),
    rule("multiply after dividing", "(x/y)*y", "x", Float, Real),
    rule("divide after multiplying", "(x*y)/y", "x", Float, Real),
];

/// The rules of [`strengthen`]: the same values by cheaper operations, at the price of reading worse.
pub const STRENGTHS: &[Rule] = &[
    rule("second power", "x**2", "square(x)", When::Real, Exact),
    rule(
        "second power of complex numbers",
        "x**2",
        "square(x)",
        When::Always,
        Ulp(1),
    ),
    rule("square root", "x**0.5", "sqrt(x)", Float, Ulp(1)),
    rule("reciprocal", "x**-1", "1/x", Float, Ulp(1)),
    rule("third power", "x**3", "x*square(x)", Float, Ulp(2)),
    rule("fourth power", "x**4", "square(square(x))", Float, Ulp(2)),
    rule("softplus", "logaddexp(0, x)", "softplus(x)", Float, Ulp(2)),
];

impl Rule {
    /// The two sides as graphs whose inputs are the holes, in order of appearance; `hole` gives the
    /// node for a name. Reductions are over the last axis. This is what tests and tables show.
    ///
    /// # Errors
    /// If a side cannot be read, or is not defined on the holes.
    pub fn sides(
        &self,
        mut hole: impl FnMut(&mut Builder, &str) -> NodeId,
    ) -> Result<(Graph, Graph)> {
        let mut names = Vec::new();
        let left = Pattern::read(self.left, &mut names)?;
        let right = Pattern::read(self.right, &mut names)?;
        let mut b = Builder::new(self.name);
        let holes: SmallVec<[Option<NodeId>; 4]> =
            names.iter().map(|name| Some(hole(&mut b, name))).collect();
        let last = holes.iter().flatten().map(|&id| b.aval(id).rank()).max();
        let found = Match {
            holes,
            axes: last.and_then(|rank| Some([rank.checked_sub(1)?].into_iter().collect())),
            interior: SmallVec::new(),
        };
        // Numbers on the left are literals beside the first hole; on the right, beside the left.
        let first = found.holes.iter().flatten().next();
        let like = first.map_or_else(|| Aval::weak(DType::F64), |&id| b.aval(id).clone());
        let before = left.build(&mut b, &found, &like)?;
        let mut c = b.clone();
        let after = right.build(&mut c, &found, b.aval(before))?;
        let after = filled(&mut c, after, b.aval(before))?;
        Ok((b.finish(vec![before]), c.finish(vec![after])))
    }
}

/// One place where a rule was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    pub rule: Arc<str>,
    pub truth: Truth,
    /// The user's name for what was rewritten.
    pub node: Option<Arc<str>>,
}

/// A rule whose patterns have been read.
#[derive(Clone, Debug)]
struct Prepared {
    name: Arc<str>,
    left: Pattern,
    right: Pattern,
    when: When,
    truth: Truth,
}

/// Rules, found by the operation at their root.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    by_root: HashMap<Root, Vec<Prepared>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Root {
    Elementwise(Elementwise),
    Reduce(Reduction),
}

impl Root {
    fn of(op: &Op) -> Option<Root> {
        match op {
            Op::Elementwise(e) => Some(Root::Elementwise(*e)),
            Op::Reduce { kind, .. } => Some(Root::Reduce(*kind)),
            _ => None,
        }
    }
}

impl Rules {
    /// Adds a rule; the first that matches wins.
    ///
    /// # Errors
    /// `Syntax` if a side is not an expression of known operations, or the right side has a name
    /// that the left has not.
    pub fn add(
        &mut self,
        name: &str,
        left: &str,
        right: &str,
        when: When,
        truth: Truth,
    ) -> Result<()> {
        let mut names = Vec::new();
        let left_pattern = Pattern::read(left, &mut names)?;
        let known = names.len();
        let right_pattern = Pattern::read(right, &mut names)?;
        let root = match &left_pattern {
            Pattern::Apply(e, _) => Root::Elementwise(*e),
            Pattern::Reduce(kind, _) => Root::Reduce(*kind),
            Pattern::Hole { .. } | Pattern::Number(_) => {
                return Err(syntax(format!("the rule {left:?} would match everything")));
            }
        };
        if let Some(new) = names.get(known) {
            return Err(syntax(format!(
                "`{new}` is on the right side of the rule only"
            )));
        }
        self.by_root.entry(root).or_default().push(Prepared {
            name: name.into(),
            left: left_pattern,
            right: right_pattern,
            when,
            truth,
        });
        Ok(())
    }

    fn table(rules: &[Rule]) -> Rules {
        let mut out = Rules::default();
        for r in rules {
            // A row that cannot be read is caught by the test that reads them all.
            let read = out.add(r.name, r.left, r.right, r.when, r.truth);
            debug_assert_eq!(read, Ok(()));
        }
        out
    }

    /// Rewrites a graph wherever a rule of an allowed truth matches, and says which fired.
    ///
    /// # Errors
    /// Only if a matched graph is inconsistent, which is a bug.
    pub fn rewrite(&self, graph: &Graph, truths: Truths) -> Result<(Graph, Vec<Fired>)> {
        let mut fired = Vec::new();
        let mut uses = Uses::default();
        let mut returned = vec![0; graph.len()];
        for output in graph.outputs() {
            returned[output.index()] += 1;
        }
        let graph = rewrite(graph, |b, id, operands| {
            b.set_origin(graph.origin(id).cloned());
            let mut at = Site {
                op: graph.op(id).clone(),
                operands: Operands::from_slice(operands),
                aval: graph.aval(id),
            };
            let mut found = None;
            for _ in 0..DEPTH {
                let first_new = b.graph().len();
                let Some((rule, new)) = self.apply(b, &at, &uses, truths)? else {
                    break;
                };
                fired.push(Fired {
                    rule: rule.name.clone(),
                    truth: rule.truth,
                    node: graph.node(id).name.clone(),
                });
                found = Some(new);
                uses.count_from(b, first_new);
                if new.index() < first_new {
                    break;
                }
                at.op = b.op(new).clone();
                at.operands = b.graph().operands(new);
            }
            let stands = found.unwrap_or_else(|| NodeId::new(b.graph().len()));
            uses.add(stands, graph.users(id).count() + returned[id.index()]);
            Ok(found)
        })?;
        Ok((graph, fired))
    }

    /// Applies the first rule that matches.
    fn apply(
        &self,
        b: &mut Builder,
        at: &Site<'_>,
        uses: &Uses,
        truths: Truths,
    ) -> Result<Option<(&Prepared, NodeId)>> {
        let Some(rules) = Root::of(&at.op).and_then(|root| self.by_root.get(&root)) else {
            return Ok(None);
        };
        for rule in rules.iter().filter(|rule| truths.allow(rule.truth)) {
            let Some(found) = rule.left.matches(b, &at.op, &at.operands) else {
                continue;
            };
            if !holds(rule.when, b, &found, at.aval) || dearer(rule, b, &found, at, uses) {
                continue;
            }
            let new = rule.right.build(b, &found, at.aval)?;
            let new = filled(b, new, at.aval)?;
            if b.aval(new) == at.aval {
                return Ok(Some((rule, new)));
            }
        }
        Ok(None)
    }
}

/// How often one node may be rewritten in a pass.
const DEPTH: usize = 8;

/// A node being looked at, not yet in the new graph.
struct Site<'a> {
    op: Op,
    operands: Operands,
    aval: &'a Aval,
}

/// How many users each node of the new graph has, or will have: those of the old nodes it stands for.
#[derive(Default)]
struct Uses {
    counts: Vec<usize>,
}

impl Uses {
    fn add(&mut self, node: NodeId, users: usize) {
        if self.counts.len() <= node.index() {
            self.counts.resize(node.index() + 1, 0);
        }
        self.counts[node.index()] += users;
    }

    /// Counts the users of the nodes that a rule has just built.
    fn count_from(&mut self, b: &Builder, first: usize) {
        for node in (first..b.graph().len()).map(NodeId::new) {
            self.add(node, b.graph().users(node).count());
        }
    }

    /// Which matched nodes nobody needs once the root is rewritten: those all of whose uses are in
    /// the root or in other such nodes.
    fn freed(&self, found: &Match) -> SmallVec<[NodeId; 8]> {
        let mut edges = found.interior.clone();
        edges.sort();
        edges.dedup();
        let mut freed: SmallVec<[NodeId; 8]> = SmallVec::new();
        // Users come later than what they use.
        for group in edges.chunk_by(|a, b| a.node == b.node).rev() {
            let gone = |edge: &&Edge| edge.user.is_none_or(|user| freed.contains(&user));
            let count = group.iter().filter(gone).count();
            let node = group[0].node;
            if self
                .counts
                .get(node.index())
                .is_some_and(|&users| users <= count)
            {
                freed.push(node);
            }
        }
        freed
    }
}

/// Whether a rule's dtypes are met by what fills its holes and by the result.
fn holds(when: When, b: &Builder, found: &Match, result: &Aval) -> bool {
    let wanted = |dtype: DType| match when {
        When::Always => true,
        When::Real => !dtype.is_complex(),
        When::Float => dtype.is_float(),
        When::Signed => dtype.is_float() || (dtype.is_integer() && !dtype.is_unsigned()),
        When::Integer => dtype.is_integer(),
    };
    let filled = found.holes.iter().flatten();
    wanted(result.dtype)
        && filled.copied().all(|node| {
            // A literal integer in a float expression is a float.
            wanted(b.aval(node).dtype)
                || (b.aval(node).weak && when == When::Float && scalar(b.graph(), node).is_some())
        })
}

/// Whether the right side costs more than what it replaces.
fn dearer(rule: &Prepared, b: &Builder, found: &Match, at: &Site<'_>, uses: &Uses) -> bool {
    let freed: u32 = uses.freed(found).iter().map(|&node| cost(b.op(node))).sum();
    pattern_cost(&rule.right).unwrap_or(0) > cost(&at.op) + freed
}

/// The cost of a pattern, or `None` if it is a constant, which folding removes.
fn pattern_cost(pattern: &Pattern) -> Option<u32> {
    match pattern {
        Pattern::Number(_) | Pattern::Hole { constant: true, .. } => None,
        Pattern::Hole { .. } => Some(0),
        Pattern::Reduce(_, part) => pattern_cost(part).map(|c| c + REDUCTION),
        Pattern::Apply(e, parts) => {
            let parts: Vec<u32> = parts.iter().filter_map(pattern_cost).collect();
            (!parts.is_empty()).then(|| parts.iter().sum::<u32>() + elementwise_cost(*e))
        }
    }
}

fn cost(op: &Op) -> u32 {
    match op {
        Op::Elementwise(e) => elementwise_cost(*e),
        Op::Reduce { .. } => REDUCTION,
        _ => 1,
    }
}

const REDUCTION: u32 = 2;

/// Rough cycles per element.
fn elementwise_cost(op: Elementwise) -> u32 {
    use Elementwise::*;
    match op {
        Add | Subtract | Multiply | Negative | Positive | Item | Absolute | Fabs | Sign
        | Square | Conjugate | Real | Imag | Copysign | Signbit | Isnan | Isinf | Isfinite
        | Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | Maximum | Minimum
        | Fmax | Fmin | Where | LogicalAnd | LogicalOr | LogicalXor | LogicalNot | BitwiseAnd
        | BitwiseOr | BitwiseXor | Invert | LeftShift | RightShift | BitwiseCount | MakeComplex
        | Deg2rad | Rad2deg | Floor | Ceil | Trunc | Rint | Heaviside => 1,
        Divide | Reciprocal | Sqrt | FloorDivide | Remainder | Fmod | Modf | Nextafter
        | Spacing | Ldexp | FrexpMantissa | FrexpExponent => 4,
        Exp | Exp2 | Expm1 | Log | Log2 | Log10 | Log1p | Sin | Cos | Tan | Sinh | Cosh | Tanh
        | Arcsin | Arccos | Arctan | Arctan2 | Arcsinh | Arccosh | Arctanh | Hypot | Cbrt
        | Expit | Xlogy | Xlog1py | Erf | Erfc => 20,
        Logaddexp | Logaddexp2 | LogExpit | Softplus | Power | FloatPower | Gcd | Lcm => 32,
        Gamma | Gammaln | Digamma | Polygamma => 64,
        Erfcx | Erfinv | Erfcinv | Dawsn | Ndtr | LogNdtr | Ndtri | NdtriExp | OwensT
        | Loggamma | Gammasgn | Rgamma | Poch | Beta | Betaln | Binom | Zeta | ZetaDerivative
        | Zetac | Gammainc | Gammaincc | GammaincDerivative | Gammaincinv | Gammainccinv
        | Betainc | Betaincc | BetaincDerivative | Betaincinv | Betainccinv | Stdtr | Stdtrit
        | Entr | RelEntr | KlDiv | Huber | PseudoHuber | Logit | Exprel | ExprelDerivative
        | Boxcox | Boxcox1p | InvBoxcox | InvBoxcox1p | Cosm1 | Sindg | Cosdg | Tandg | J0 | J1
        | Jv | Y0 | Y1 | Yv | I0 | I0e | I1 | I1e | Iv | Ive | K0 | K0e | K1 | K1e | Kv | Kve
        | SphericalJn | Hyp0f1 | Hyp1f1 | Hyp2f1 | Expn | Exp1 | Expi | SinIntegral
        | CosIntegral | SinhIntegral | CoshIntegral | FresnelS | FresnelC | Spence | Ellipk
        | Ellipkm1 | Ellipe | Ellipkinc | Ellipeinc => 64,
    }
}

/// `value` as an array of this aval, if it is a number and the aval is not a scalar's.
fn filled(b: &mut Builder, node: NodeId, aval: &Aval) -> Result<NodeId> {
    if aval.weak || b.aval(node) == aval {
        return Ok(node);
    }
    match b.op(node) {
        Op::Constant(Constant::Float(v)) => b.full(*v, aval.dtype, aval.shape.clone()),
        Op::Constant(Constant::Int(v)) => b.full(*v as f64, aval.dtype, aval.shape.clone()),
        _ => Ok(node),
    }
}

static STANDARD: LazyLock<Rules> = LazyLock::new(|| Rules::table(RULES));
static STRENGTHENING: LazyLock<Rules> = LazyLock::new(|| Rules::table(STRENGTHS));

/// Applies the table of rules that are as true as asked.
pub fn simplify(truths: Truths) -> impl Transform {
    move |graph: &Graph| Ok(simplify_reporting(graph, truths)?.0)
}

/// As [`simplify`], and says which rules fired: for `explain`.
///
/// # Errors
/// None on a consistent graph.
pub fn simplify_reporting(graph: &Graph, truths: Truths) -> Result<(Graph, Vec<Fired>)> {
    STANDARD.rewrite(graph, truths)
}

/// Cheaper operations for the evaluator, which a person would not write: `x**2` as `square(x)`.
/// To be applied after a graph has been printed, before `fuse`.
pub fn strengthen(truths: Truths) -> impl Transform {
    move |graph: &Graph| Ok(STRENGTHENING.rewrite(graph, truths)?.0)
}
