//! Stage 5: graph in, arrays out.
//!
//! ```text
//! Executable::new(graph)        prepared once
//!   .run(inputs, outputs, host) called many times, from any thread
//! ```

pub mod kernels;
pub mod value;

use crate::error::Result;
use crate::graph::{DType, Graph};
use value::{Value, View};

/// A graph made ready to run. Plans for concrete shapes are made on first use and kept.
#[derive(Debug)]
pub struct Executable {
    graph: Graph,
}

/// Gives memory for outputs, so that results are written where they will live.
pub trait Outputs {
    /// Uninitialised C-contiguous memory for output `index`, valid until the run returns.
    ///
    /// # Errors
    /// If there is no memory.
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8>;
}

/// What only the caller can do: draws, which need NumPy's own generators.
pub trait Callbacks {
    /// Executes the draw node `node` with its parameters.
    fn draw(
        &mut self,
        node: crate::graph::NodeId,
        parameters: &[Value],
        shape: &[usize],
    ) -> Result<Value>;
    /// Called around long pure-Rust work; the Python host releases the GIL here.
    fn detached(&mut self, work: &mut (dyn FnMut() + Send)) {
        work();
    }
}

impl Executable {
    pub fn new(graph: &Graph) -> Result<Executable> {
        Ok(Executable {
            graph: graph.clone(),
        })
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// # Errors
    /// `Assumption` if the sizes do not fit the graph; NumPy's exceptions (index out of range).
    pub fn run(
        &self,
        _inputs: &[View<'_>],
        _outputs: &mut dyn Outputs,
        _callbacks: &mut dyn Callbacks,
    ) -> Result<()> {
        todo!("the evaluator")
    }
}
