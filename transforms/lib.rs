//! Functions from graph to graph.
//!
//! A *derivation* changes what is computed and states how; a *pass* must not change it.

pub mod autodiff;
pub mod fuse;
pub mod likelihood;
pub mod simplify;

use lazy_core::error::Result;
use lazy_core::graph::Graph;

/// A function from graph to graph.
pub trait Transform {
    /// # Errors
    /// If the transform does not apply, saying where and why.
    fn apply(&self, graph: &Graph) -> Result<Graph>;

    /// This, then `next`.
    fn then(self, next: impl Transform) -> impl Transform
    where
        Self: Sized,
    {
        move |graph: &Graph| next.apply(&self.apply(graph)?)
    }
}

impl<F: Fn(&Graph) -> Result<Graph>> Transform for F {
    fn apply(&self, graph: &Graph) -> Result<Graph> {
        self(graph)
    }
}
