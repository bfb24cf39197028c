//! What the elementary functions are written in: the operations of one vector lane.
//!
//! An algorithm generic over [`Lane`] is branch-free and has no memory; the same definition runs as
//! a vectorised loop (the compiler sees plain float64 arithmetic in [`Plain`] and [`Multiplied`]) and
//! can be instantiated with a type that records instructions.

/// What the CPU can do.
pub trait Isa {
    type F64: Lane;
}

/// Any CPU.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

/// A CPU with fused multiply-add.
#[derive(Clone, Copy, Debug)]
pub struct Fused;
impl Isa for Portable {
    type F64 = Plain;
}

impl Isa for Fused {
    type F64 = Multiplied;
}

pub trait Lane: Copy {}
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Plain(pub f64);
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Multiplied(pub f64);
impl Lane for Plain {}
impl Lane for Multiplied {}
