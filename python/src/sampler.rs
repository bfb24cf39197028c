//! Sampling from a log-density by NUTS: the only place that names the crate `nuts-rs`.
//!
//! In: an executable from the unconstrained vector `u` to log-density and gradient, one from `u` to the
//! values of the variables, and the values of their other inputs. Out: the values along each chain.
//! Chains run in Rust threads, which never touch Python; the draws depend on the seed alone, not on
//! how many threads there are.
//!
//! ```text
//! sample(&density, &expand, &fixed, 2, &Settings { draws: 1000, .. }, &|| false)
//!     => Trace { values: [(4, 1000) alpha, (4, 1000) beta], divergences: [0, 0, 0, 0] }
//! ```
//!
//! Source: Hoffman and Gelman, *The No-U-Turn Sampler* (JMLR 2014); the mass matrix is adapted as in
//! Seyboldt et al., *nutpie* (2024); starting points as in Stan: uniform on (-2, 2).

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::eval::value::{Element, Value, View, contiguous};
use lazy_core::eval::{Executable, NoCallbacks, Outputs};
use lazy_core::graph::DType;
use nuts_rs::rand::rngs::ChaCha8Rng;
use nuts_rs::rand::{Rng, RngExt, SeedableRng};
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError};

/// How to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Draws that are kept, per chain.
    pub draws: usize,
    /// Draws before those, in which step size and mass matrix are adapted.
    pub tune: usize,
    pub chains: usize,
    pub seed: u64,
}

/// What was sampled.
#[derive(Clone, Debug)]
pub struct Trace {
    /// One per output of `expand`: of shape (chain, draw, ...).
    pub values: Vec<Value>,
    /// Draws whose trajectory left the region where the integrator is accurate, per chain, after tuning.
    pub divergences: Vec<u64>,
    /// Gradients that were evaluated, per chain, with tuning.
    pub gradients: Vec<u64>,
}

/// How long the calling thread waits between asking whether it has been interrupted.
const PATIENCE: Duration = Duration::from_millis(20);
/// Starting points that are tried before giving up.
const STARTS: usize = 200;

/// Samples `settings.chains` chains. `density` gives log-density (a float64 scalar) and gradient,
/// `expand` the values of the variables; the inputs of both are `u`, of length `dimension`, and `fixed`.
/// `interrupted` is asked now and then, on the calling thread.
///
/// # Errors
/// If no starting point has a finite density, if the evaluator fails, or if interrupted.
pub fn sample(
    density: &Executable,
    expand: &Executable,
    fixed: &[Value],
    dimension: usize,
    settings: &Settings,
    interrupted: &dyn Fn() -> bool,
) -> Result<Trace> {
    let stop = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Result<Track>>>> =
        (0..settings.chains).map(|_| Mutex::new(None)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(settings.chains) {
            scope.spawn(|| {
                loop {
                    let chain = next.fetch_add(1, Ordering::Relaxed);
                    let Some(slot) = done.get(chain) else { break };
                    let density = Density::new(density, fixed, dimension);
                    let track = run_chain(density, expand, settings, chain, &stop);
                    if track.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(track);
                }
                finished.fetch_add(1, Ordering::Release);
            });
        }
        while finished.load(Ordering::Acquire) < threads.min(settings.chains) {
            std::thread::sleep(PATIENCE);
            if interrupted() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
    let mut tracks = Vec::with_capacity(settings.chains);
    for slot in done {
        let track = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        tracks.push(track.ok_or_else(|| stopped("the chain did not run"))??);
    }
    Ok(gather(&tracks, settings))
}

fn stopped(why: impl Into<String>) -> Box<Error> {
    Error::new(ErrorKind::Sampling { why: why.into() })
}

/// One chain: its draws of each variable, one after the other.
struct Track {
    values: Vec<Column>,
    divergences: u64,
    gradients: u64,
}

/// The draws of one variable.
struct Column {
    dtype: DType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn run_chain(
    mut density: Density<'_>,
    expand: &Executable,
    settings: &Settings,
    chain: usize,
    stop: &AtomicBool,
) -> Result<Track> {
    // Each chain has a stream of its own, whatever thread it runs on.
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    rng.set_stream(chain as u64 + 1);
    let start = starting_point(&mut density, &mut rng)?;
    let fixed = density.fixed;
    let options = DiagNutsSettings {
        num_tune: settings.tune as u64,
        num_draws: settings.draws as u64,
        num_chains: settings.chains,
        seed: settings.seed,
        ..DiagNutsSettings::default()
    };
    let failed = |e: &dyn fmt::Display| stopped(format!("{e:#}"));
    let mut sampler =
        nuts_rs::Settings::new_chain(&options, chain as u64, CpuMath::new(density), &mut rng)
            .map_err(|e| failed(&e))?;
    sampler.set_position(&start).map_err(|e| failed(&e))?;
    let mut track = Track {
        values: Vec::new(),
        divergences: 0,
        gradients: 0,
    };
    for draw in 0..settings.tune + settings.draws {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped("it was interrupted"));
        }
        let (position, info) = sampler.draw().map_err(|e| failed(&e))?;
        track.gradients += info.num_gradients;
        if draw >= settings.tune {
            track.divergences += u64::from(info.diverging);
            record(&mut track.values, expand, &position, fixed)?;
        }
    }
    Ok(track)
}

/// A point of finite density and gradient, drawn as Stan does, nearer to zero as attempts fail.
fn starting_point(density: &mut Density<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<f64>> {
    let mut gradient = vec![0.0; density.dimension];
    for attempt in 0..STARTS {
        let reach = 2.0 * 0.98f64.powi(attempt as i32);
        let point: Vec<f64> = (0..density.dimension)
            .map(|_| rng.random_range(-reach..reach))
            .collect();
        match density.logp(&point, &mut gradient) {
            Ok(_) => return Ok(point),
            Err(Failure::NotFinite) => {}
            Err(Failure::Evaluation(error)) => return Err(error),
        }
    }
    Err(stopped(
        "no starting point has a finite log-density and gradient: check that the given values are possible under the model",
    ))
}

/// Appends the variables' values at `position`.
fn record(
    columns: &mut Vec<Column>,
    expand: &Executable,
    position: &[f64],
    fixed: &[Value],
) -> Result<()> {
    let mut outputs = Collected::default();
    expand.run(&views(position, fixed), &mut outputs, &mut NoCallbacks)?;
    for (index, value) in outputs.0.into_iter().enumerate() {
        let Some(value) = value else { continue };
        if columns.len() <= index {
            columns.push(Column {
                dtype: value.dtype,
                shape: value.shape.to_vec(),
                bytes: Vec::new(),
            });
        }
        let length = value.len() * value.dtype.size();
        // SAFETY: a value holds at least `len * size` initialised bytes.
        let bytes = unsafe { std::slice::from_raw_parts(value.as_ptr(), length) };
        columns[index].bytes.extend_from_slice(bytes);
    }
    Ok(())
}

/// The chains side by side.
fn gather(tracks: &[Track], settings: &Settings) -> Trace {
    let columns = tracks.first().map_or(0, |track| track.values.len());
    let values = (0..columns).map(|index| {
        let first = &tracks[0].values[index];
        let shape: Vec<usize> = [settings.chains, settings.draws]
            .into_iter()
            .chain(first.shape.iter().copied())
            .collect();
        let mut out = Value::zeros(first.dtype, &shape);
        let mut at = out.as_mut_ptr();
        for track in tracks {
            let bytes = &track.values[index].bytes;
            // SAFETY: `out` has room for the draws of all chains, which are of one shape.
            unsafe {
                at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                at = at.add(bytes.len());
            }
        }
        out
    });
    Trace {
        values: values.collect(),
        divergences: tracks.iter().map(|track| track.divergences).collect(),
        gradients: tracks.iter().map(|track| track.gradients).collect(),
    }
}

/// `u`, then the fixed inputs.
fn views<'a>(position: &'a [f64], fixed: &'a [Value]) -> Vec<View<'a>> {
    let shape = [position.len()];
    // SAFETY: the view borrows the slice, which is contiguous.
    let u = unsafe {
        View::from_raw(
            f64::DTYPE,
            position.as_ptr().cast(),
            shape.as_slice().into(),
            contiguous(&shape, f64::DTYPE),
        )
    };
    std::iter::once(u)
        .chain(fixed.iter().map(Value::view))
        .collect()
}

/// The log-density as `nuts-rs` wants it.
struct Density<'a> {
    executable: &'a Executable,
    fixed: &'a [Value],
    dimension: usize,
}

impl<'a> Density<'a> {
    fn new(executable: &'a Executable, fixed: &'a [Value], dimension: usize) -> Density<'a> {
        Density {
            executable,
            fixed,
            dimension,
        }
    }
}

impl CpuLogpFunc for Density<'_> {
    type LogpError = Failure;
    type FlowParameters = ();
    type ExpandedVector = ();

    fn dim(&self) -> usize {
        self.dimension
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Failure> {
        let mut value = f64::NAN;
        let mut outputs = Direct {
            value: &mut value,
            gradient,
        };
        self.executable
            .run(&views(position, self.fixed), &mut outputs, &mut NoCallbacks)
            .map_err(Failure::Evaluation)?;
        if value.is_finite() && gradient.iter().all(|g| g.is_finite()) {
            Ok(value)
        } else {
            Err(Failure::NotFinite)
        }
    }

    fn expand_vector<R: Rng + ?Sized>(
        &mut self,
        _rng: &mut R,
        _position: &[f64],
    ) -> Result<(), CpuMathError> {
        Ok(())
    }
}

impl HasDims for Density<'_> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::new()
    }
}

/// Why there is no log-density at a point.
#[derive(Debug)]
enum Failure {
    /// A trajectory that comes here diverges.
    NotFinite,
    Evaluation(Box<Error>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotFinite => f.write_str("the log-density or its gradient is not finite"),
            Failure::Evaluation(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl LogpError for Failure {
    fn is_recoverable(&self) -> bool {
        matches!(self, Failure::NotFinite)
    }
}

/// Results written where the sampler wants them.
struct Direct<'a> {
    value: &'a mut f64,
    gradient: &'a mut [f64],
}

impl Outputs for Direct<'_> {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        let length: usize = shape.iter().product();
        match (index, dtype) {
            (0, DType::F64) if length == 1 => Ok(std::ptr::from_mut(self.value).cast()),
            (1, DType::F64) if length == self.gradient.len() => {
                Ok(self.gradient.as_mut_ptr().cast())
            }
            _ => Err(Error::internal(format!(
                "output {index} of a log-density is {dtype} of {length} elements"
            ))),
        }
    }
}

/// Results kept as they are.
#[derive(Default)]
struct Collected(Vec<Option<Value>>);

impl Outputs for Collected {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        let value = self.0[index].insert(Value::zeros(dtype, shape));
        Ok(value.as_mut_ptr())
    }
}
