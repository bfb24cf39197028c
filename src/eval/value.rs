//! Arrays at run time: owned ([`Value`]) and borrowed ([`View`]).

use std::marker::PhantomData;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::graph::DType;

/// Sizes of the axes.
pub type Sizes = SmallVec<[usize; 4]>;
/// Byte strides of the axes; may be zero or negative.
pub type Strides = SmallVec<[isize; 4]>;

/// A C-contiguous array that owns its memory (aligned to 64 bytes).
#[derive(Clone, Debug)]
pub struct Value {
    pub dtype: DType,
    pub shape: Sizes,
    data: Arc<Vec<Chunk>>,
}

/// 64 bytes, aligned.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Chunk([u8; 64]);

impl Value {
    /// Zero-filled.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Value {
        let bytes = shape.iter().product::<usize>() * dtype.size();
        Value {
            dtype,
            shape: shape.into(),
            data: Arc::new(vec![Chunk([0; 64]); bytes.div_ceil(64)]),
        }
    }

    pub fn from_slice<T: Element>(values: &[T], shape: &[usize]) -> Value {
        assert_eq!(values.len(), shape.iter().product::<usize>());
        let mut out = Value::zeros(T::DTYPE, shape);
        out.as_mut_slice::<T>().copy_from_slice(values);
        out
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn as_ptr(&self) -> *const u8 {
        self.data.as_ptr().cast()
    }

    /// The memory, copied first if shared.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        Arc::make_mut(&mut self.data).as_mut_ptr().cast()
    }

    /// The elements' memory.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the memory holds `len` initialised elements of the dtype's size.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len() * self.dtype.size()) }
    }

    /// # Panics
    /// If `T` is not the dtype's type: a bug of the caller.
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert_eq!(T::DTYPE, self.dtype);
        // SAFETY: the memory holds `len` elements of `T`, aligned to 64 bytes.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len()) }
    }

    /// # Panics
    /// If `T` is not the dtype's type: a bug of the caller.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert_eq!(T::DTYPE, self.dtype);
        let len = self.len();
        // SAFETY: as in `as_slice`, and `as_mut_ptr` made the memory unshared.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), len) }
    }

    pub fn view(&self) -> View<'_> {
        // SAFETY: the view borrows `self`, whose memory is C-contiguous.
        unsafe {
            View::from_raw(
                self.dtype,
                self.as_ptr(),
                self.shape.clone(),
                contiguous(&self.shape, self.dtype),
            )
        }
    }
}

impl PartialEq for Value {
    /// Bit for bit.
    fn eq(&self, other: &Value) -> bool {
        self.dtype == other.dtype && self.shape == other.shape && self.bytes() == other.bytes()
    }
}

/// Byte strides of a C-contiguous array.
pub fn contiguous(shape: &[usize], dtype: DType) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    let mut step = dtype.size() as isize;
    for (s, &size) in strides.iter_mut().zip(shape).rev() {
        *s = step;
        step *= size.max(1) as isize;
    }
    strides
}

/// A strided array that somebody else owns. May be misaligned.
#[derive(Clone, Debug)]
pub struct View<'a> {
    pub dtype: DType,
    pub ptr: *const u8,
    pub shape: Sizes,
    pub strides: Strides,
    owner: PhantomData<&'a [u8]>,
}

// SAFETY: a view only reads, and its owner outlives it.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl View<'_> {
    /// # Safety
    /// Every element reachable by `shape` and `strides` from `ptr` must be readable for the
    /// lifetime, and nobody may write to it meanwhile.
    pub unsafe fn from_raw<'a>(
        dtype: DType,
        ptr: *const u8,
        shape: Sizes,
        strides: Strides,
    ) -> View<'a> {
        View {
            dtype,
            ptr,
            shape,
            strides,
            owner: PhantomData,
        }
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_contiguous(&self) -> bool {
        self.strides == contiguous(&self.shape, self.dtype)
    }
}

/// A Rust type that is an element type.
pub trait Element: Copy + Send + Sync + 'static {
    const DTYPE: DType;
}

macro_rules! elements {
    ($($t:ty => $d:ident),*) => {$(
        impl Element for $t {
            const DTYPE: DType = DType::$d;
        }
    )*};
}
elements!(bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    f32 => F32, f64 => F64, num_complex::Complex32 => C64, num_complex::Complex64 => C128);
