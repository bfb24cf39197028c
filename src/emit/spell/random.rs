//! Draws: the method of the generator that the user called.
//!
//! ```text
//! draw(loc, scale) distribution=normal shape=[n]   =>   rng.normal(loc, scale, size=n)
//! ```

use rustpython_ast::Expr;

use super::Speller;
use crate::emit::signature::Generator;
use crate::emit::syntax::{apply, attribute, dotted};
use crate::graph::{Dim, NodeId};
use crate::ops::Distribution;

impl Speller<'_, '_> {
    pub fn draw(
        &mut self,
        id: NodeId,
        distribution: Distribution,
        shape: &[Dim],
        generator: u32,
    ) -> Expr {
        let operands = self.facts.graph.operands(id);
        let shapes: Vec<&[Dim]> = operands
            .iter()
            .map(|&o| self.facts.aval(o).shape.as_slice())
            .collect();
        let follows = self.facts.broadcasts(&shapes, shape);
        let parameters: Vec<Expr> = (0..operands.len()).map(|k| self.argument(id, k)).collect();
        let object = match self.names.generator(generator) {
            Generator::Global => dotted("np.random"),
            Generator::Object(object) => object,
        };
        let size = (!follows).then(|| ("size", self.shape(shape)));
        apply(attribute(object, distribution.def().name), parameters, size)
    }
}
