//! Stage 5: graph in, arrays out.
//!
//! ```text
//! Executable::new(graph)        once: what is computed in which order (schedule)
//!   .run(inputs, outputs, host) often, from any thread:
//!       plan     on first use of these sizes: steps over known memory (plan, compile, lower)
//!       run      the steps: fusion groups chunk by chunk (group), the rest one by one (step)
//! ```

pub mod buffers;
pub mod compile;
pub mod contract;
pub mod decompose;
pub mod element;
pub mod fourier;
pub mod group;
pub mod index;
pub mod kernels;
pub mod layout;
pub mod loops;
pub mod lower;
pub mod machine;
pub mod merge;
pub mod native;
pub mod plan;
pub mod program;
pub mod reduce;
pub mod rows;
pub mod schedule;
pub mod step;
pub mod threads;
pub mod value;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::graph::{DType, Graph, NodeId};
use crate::ops::Op;
use plan::{Plan, Symbols};
use schedule::Stage;
use value::{Value, View};

/// A graph made ready to run. Plans for concrete shapes are made on first use and kept.
#[derive(Debug)]
pub struct Executable {
    graph: Graph,
    stages: Vec<Stage>,
    /// Per stage, the plans made so far, oldest first.
    plans: Vec<RwLock<Vec<Arc<Plan>>>>,
}

/// Plans kept per stage.
const PLANS: usize = 16;

/// Gives memory for outputs, so that results are written where they will live.
pub trait Outputs {
    /// Uninitialised C-contiguous memory for output `index`, aligned for its dtype, valid until the
    /// run returns.
    ///
    /// # Errors
    /// If there is no such memory.
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8>;
}

/// What only the caller can do: draws, which need NumPy's own generators, and calls of compiled code.
pub trait Callbacks {
    /// Executes the draw or call `node` on its operands. `shapes` are those that its results should have.
    ///
    /// # Errors
    /// What the draw or call raises.
    fn outside(
        &mut self,
        _node: NodeId,
        _operands: &[Value],
        _shapes: &[&[usize]],
    ) -> Result<Vec<Value>> {
        Err(Error::internal("a draw or a call where there is no Python"))
    }
    /// Called around long pure-Rust work; the Python host releases the GIL here.
    fn detached(&mut self, work: &mut (dyn FnMut() + Send)) {
        work();
    }
}

/// For graphs without draws and calls, run without Python.
#[derive(Clone, Copy, Debug)]
pub struct NoCallbacks;

impl Callbacks for NoCallbacks {}

/// Collects outputs as values.
#[derive(Debug, Default)]
pub struct Values(pub Vec<Value>);

impl Outputs for Values {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        while self.0.len() <= index {
            self.0.push(Value::zeros(DType::Bool, &[0]));
        }
        self.0[index] = Value::zeros(dtype, shape);
        Ok(self.0[index].as_mut_ptr())
    }
}

impl Executable {
    /// # Errors
    /// None today; reserved for graphs that no evaluator can run.
    pub fn new(graph: &Graph) -> Result<Executable> {
        let stages = schedule::stages(graph);
        let plans = stages.iter().map(|_| RwLock::default()).collect();
        Ok(Executable {
            graph: graph.clone(),
            stages,
            plans,
        })
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Runs the graph. Inputs are only read; outputs never share memory with them.
    ///
    /// # Errors
    /// `Assumption` if the sizes do not fit the graph; NumPy's exceptions (index out of range).
    pub fn run(
        &self,
        inputs: &[View<'_>],
        outputs: &mut dyn Outputs,
        callbacks: &mut dyn Callbacks,
    ) -> Result<()> {
        if self.stages.len() > 1 {
            return self.run_stages(inputs, outputs, callbacks);
        }
        let plan = self.plan(0, inputs, &Symbols::new())?;
        plan.run(inputs, outputs, callbacks)
    }

    /// As [`Executable::run`], on owned values and without draws.
    ///
    /// # Errors
    /// As for [`Executable::run`].
    pub fn run_values(&self, inputs: &[Value]) -> Result<Vec<Value>> {
        let views: Vec<View<'_>> = inputs.iter().map(Value::view).collect();
        let mut outputs = Values::default();
        self.run(&views, &mut outputs, &mut NoCallbacks)?;
        Ok(outputs.0)
    }

    /// The plan of a stage for these views and the sizes known before.
    fn plan(&self, stage: usize, inputs: &[View<'_>], symbols: &Symbols) -> Result<Arc<Plan>> {
        let plans = &self.plans[stage];
        {
            let plans = plans.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(plan) = plans.iter().rev().find(|p| p.fits(inputs, symbols)) {
                return Ok(plan.clone());
            }
        }
        let plan = Arc::new(plan::plan(
            &self.graph,
            &self.stages[stage],
            inputs,
            symbols,
        )?);
        let mut plans = plans.write().unwrap_or_else(PoisonError::into_inner);
        if plans.len() == PLANS {
            plans.remove(0);
        }
        plans.push(plan.clone());
        Ok(plan)
    }

    /// Runs stage after stage: searches between them tell the sizes of the next.
    fn run_stages(
        &self,
        inputs: &[View<'_>],
        outputs: &mut dyn Outputs,
        callbacks: &mut dyn Callbacks,
    ) -> Result<()> {
        let mut held: HashMap<NodeId, Value> = HashMap::new();
        let mut symbols = Symbols::new();
        for (at, stage) in self.stages.iter().enumerate() {
            let views = stage.imports.iter().map(|&id| self.view(id, inputs, &held));
            let views = views.collect::<Result<Vec<View<'_>>>>()?;
            let plan = self.plan(at, &views, &symbols)?;
            let mut memory = StageOutputs {
                stage,
                outputs: &mut *outputs,
                held: Values::default(),
            };
            plan.run(&views, &mut memory, callbacks)?;
            symbols.clone_from(&plan.bound);
            let computed = memory.held.0;
            for (export, value) in stage.exports.iter().zip(computed) {
                if export.output.is_none() {
                    held.insert(export.node, value);
                }
            }
            for &id in &stage.searches {
                let operand = self.graph.operands(id)[0];
                let view = self.view(operand, inputs, &held)?;
                let found = match self.graph.op(id) {
                    Op::Arange => index::arange(&view),
                    _ => index::arg_where(&view),
                };
                held.insert(id, found);
            }
        }
        Ok(())
    }

    /// An input, or a value of an earlier stage.
    fn view<'a>(
        &self,
        id: NodeId,
        inputs: &[View<'a>],
        held: &'a HashMap<NodeId, Value>,
    ) -> Result<View<'a>> {
        match self.graph.inputs().iter().position(|&i| i == id) {
            Some(i) => inputs.get(i).cloned(),
            None => held.get(&id).map(Value::view),
        }
        .ok_or_else(|| Error::internal("a value is missing between stages"))
    }
}

/// Gives the graph's outputs to the caller and keeps what later stages need.
struct StageOutputs<'a> {
    stage: &'a Stage,
    outputs: &'a mut dyn Outputs,
    held: Values,
}

impl Outputs for StageOutputs<'_> {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        match self.stage.exports[index].output {
            Some(output) => self.outputs.allocate(output, dtype, shape),
            None => self.held.allocate(index, dtype, shape),
        }
    }
}
