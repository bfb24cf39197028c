//! Transforms: `numpy.fft`.
//!
//! ```text
//! inverse_fft(%0) axis=0          np.fft.ifft(z, norm="forward")
//! ```

use rustpython_ast::Expr;

use super::Speller;
use crate::emit::syntax::{apply, dotted, int, string};
use crate::graph::NodeId;
use crate::ops::fourier::Fourier;

impl Speller<'_, '_> {
    pub fn fourier(&mut self, id: NodeId, kind: &Fourier, axis: usize) -> Expr {
        let mut args = vec![self.value(self.facts.operand(id))];
        let mut keywords = vec![];
        if axis + 1 != self.facts.aval(id).rank() {
            keywords.push(("axis", int(axis as i64)));
        }
        // NumPy's inverses divide by the length unless told that the forward transform did.
        let name = match kind {
            Fourier::Forward => "np.fft.fft",
            Fourier::RealForward => "np.fft.rfft",
            Fourier::Inverse => {
                keywords.push(("norm", string("forward")));
                "np.fft.ifft"
            }
            Fourier::RealInverse(n) => {
                args.push(self.dim(n));
                keywords.push(("norm", string("forward")));
                "np.fft.irfft"
            }
        };
        apply(dotted(name), args, keywords)
    }
}
