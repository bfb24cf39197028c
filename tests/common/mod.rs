//! What the laws share: values of graphs.

use lazy_core::error::Result;
use lazy_core::eval::value::{Value, View};
use lazy_core::eval::{Executable, NoCallbacks, Outputs};
use lazy_core::graph::{DType, Graph};

/// The outputs of a graph without draws.
pub fn evaluate(graph: &Graph, inputs: &[Value]) -> Vec<Value> {
    let views: Vec<View<'_>> = inputs.iter().map(Value::view).collect();
    let mut outputs = Collected(vec![None; graph.outputs().len()]);
    Executable::new(graph)
        .and_then(|executable| executable.run(&views, &mut outputs, &mut NoCallbacks))
        .unwrap_or_else(|error| panic!("{error}\n{graph}"));
    outputs.0.into_iter().flatten().collect()
}

struct Collected(Vec<Option<Value>>);

impl Outputs for Collected {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        Ok(self.0[index]
            .insert(Value::zeros(dtype, shape))
            .as_mut_ptr())
    }
}
