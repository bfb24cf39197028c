//! NumPy's C interface: the few fields and functions that conversions need, written out by hand.
//!
//! In: an object. Out: pointer, dtype, shape and strides of an `np.ndarray`; or the other way round.
//!
//! ```text
//! fields(x)?.data            the array's memory, in 2 ns (`__array_interface__` takes 600)
//! new(py, F64, &[10])?       an uninitialised array
//! ```
//!
//! Source: `numpy/ndarraytypes.h` and `numpy/__multiarray_api.h`. The layout of `PyArrayObject` and
//! the indices of the function table are NumPy's ABI, unchanged through all of NumPy 2. Python's own
//! ABI stays the stable one: only `PyObject_HEAD` is assumed, which every build with the GIL shares.

use std::ffi::{c_int, c_void};
use std::mem::transmute;

use lazy_core::graph::DType;
use pyo3::exceptions::PyImportError;
use pyo3::ffi::{PyObject, PyTypeObject};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCapsule;

use crate::memory;

/// The head of `PyArrayObject`.
#[repr(C)]
pub struct Fields {
    head: PyObject,
    pub data: *mut u8,
    pub rank: c_int,
    pub sizes: *const isize,
    pub strides: *const isize,
    base: *mut PyObject,
    descr: *const Descr,
    pub flags: c_int,
}

/// The head of `PyArray_Descr`.
#[repr(C)]
struct Descr {
    head: PyObject,
    scalar_type: *const PyTypeObject,
    kind: u8,
    code: u8,
    byte_order: u8,
    former_flags: u8,
    number: c_int,
}

const WRITEABLE: c_int = 0x0400;

/// Entries of `PyArray_API`.
mod entry {
    pub const VERSION: usize = 0;
    pub const ARRAY_TYPE: usize = 2;
    pub const DESCR_TYPE: usize = 3;
    pub const GENERIC_TYPE: usize = 10;
    pub const DESCR_FROM_TYPE: usize = 45;
    pub const SCALAR: usize = 60;
    pub const SCALAR_AS_CTYPE: usize = 62;
    pub const DESCR_FROM_SCALAR: usize = 57;
    pub const NEW: usize = 93;
    pub const DESCR_CONVERTER: usize = 174;
    pub const SET_HANDLER: usize = 304;
}

/// NumPy's function table and the descriptors of our dtypes.
pub struct Api {
    table: *const *mut c_void,
    array_type: *mut PyTypeObject,
    descr_type: *mut PyTypeObject,
    generic_type: *mut PyTypeObject,
    descrs: [*mut PyObject; DType::ALL.len()],
}

// SAFETY: the table and what it points to are immutable and live as long as the process.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

static API: PyOnceLock<Api> = PyOnceLock::new();

/// NumPy, imported on first use.
///
/// # Errors
/// `ImportError` if NumPy is missing or is not NumPy 2.
pub fn api(py: Python<'_>) -> PyResult<&'static Api> {
    API.get_or_try_init(py, || load(py))
}

fn load(py: Python<'_>) -> PyResult<Api> {
    let capsule = py
        .import("numpy._core._multiarray_umath")?
        .getattr("_ARRAY_API")?
        .cast_into::<PyCapsule>()?;
    let table = capsule.pointer_checked(None)?.as_ptr() as *const *mut c_void;
    // SAFETY: `_ARRAY_API` is NumPy's table of pointers; its first entry is this function in every version.
    let version =
        unsafe { transmute::<*mut c_void, extern "C" fn() -> u32>(*table.add(entry::VERSION))() };
    if version >> 24 != 2 {
        return Err(PyImportError::new_err(format!(
            "lazy needs NumPy 2, found ABI version {:#x}",
            version >> 24
        )));
    }
    // SAFETY: these entries are the type objects and `PyArray_DescrFromType` in every NumPy 2.
    unsafe {
        let descr_from_type: extern "C" fn(c_int) -> *mut PyObject =
            transmute(*table.add(entry::DESCR_FROM_TYPE));
        Ok(Api {
            table,
            array_type: (*table.add(entry::ARRAY_TYPE)).cast(),
            descr_type: (*table.add(entry::DESCR_TYPE)).cast(),
            generic_type: (*table.add(entry::GENERIC_TYPE)).cast(),
            // The references are kept for the life of the process; builtin descriptors are immortal.
            descrs: DType::ALL.map(|d| descr_from_type(number(d))),
        })
    }
}

/// Whether C's `long` is `int64` (everywhere but on Windows); if not, it is NumPy's `int32`.
const LONG_IS_64: bool = size_of::<std::ffi::c_long>() == 8;

/// NumPy's type number. Numbers belong to C types, so those of `int32` and `int64` depend on the platform.
fn number(dtype: DType) -> c_int {
    match dtype {
        DType::Bool => 0,
        DType::I8 => 1,
        DType::U8 => 2,
        DType::I16 => 3,
        DType::U16 => 4,
        DType::I32 => {
            if LONG_IS_64 {
                5
            } else {
                7
            }
        }
        DType::U32 => {
            if LONG_IS_64 {
                6
            } else {
                8
            }
        }
        DType::I64 => {
            if LONG_IS_64 {
                7
            } else {
                9
            }
        }
        DType::U64 => {
            if LONG_IS_64 {
                8
            } else {
                10
            }
        }
        DType::F32 => 11,
        DType::F64 => 12,
        DType::C64 => 14,
        DType::C128 => 15,
    }
}

/// The dtype with a type number; `None` for those that are not lifted.
fn from_number(number: c_int) -> Option<DType> {
    Some(match number {
        0 => DType::Bool,
        1 => DType::I8,
        2 => DType::U8,
        3 => DType::I16,
        4 => DType::U16,
        5 => DType::I32,
        6 => DType::U32,
        7 => {
            if LONG_IS_64 {
                DType::I64
            } else {
                DType::I32
            }
        }
        8 => {
            if LONG_IS_64 {
                DType::U64
            } else {
                DType::U32
            }
        }
        9 => DType::I64,
        10 => DType::U64,
        11 => DType::F32,
        12 => DType::F64,
        14 => DType::C64,
        15 => DType::C128,
        _ => return None,
    })
}

impl Api {
    /// The fields of an object that is exactly an `np.ndarray`. Subclasses have their own meaning
    /// (`matrix`, masked arrays), which is not ours.
    pub fn fields<'a>(&self, object: &'a Bound<'_, PyAny>) -> Option<&'a Fields> {
        if object.get_type_ptr() != self.array_type {
            return None;
        }
        // SAFETY: the object is an ndarray, whose layout `Fields` is, and it lives as long as `object`.
        Some(unsafe { &*object.as_ptr().cast::<Fields>() })
    }

    pub fn is_array(&self, object: &Bound<'_, PyAny>) -> bool {
        object.get_type_ptr() == self.array_type
    }

    /// Whether the object is a NumPy scalar (`np.float64(1)`), of any dtype.
    pub fn is_scalar(&self, object: &Bound<'_, PyAny>) -> bool {
        // SAFETY: both are type objects.
        unsafe { pyo3::ffi::PyType_IsSubtype(object.get_type_ptr(), self.generic_type) != 0 }
    }

    pub fn is_dtype(&self, object: &Bound<'_, PyAny>) -> bool {
        // SAFETY: both are type objects.
        unsafe { pyo3::ffi::PyType_IsSubtype(object.get_type_ptr(), self.descr_type) != 0 }
    }

    /// The dtype whose scalars are exactly of this class (`np.float64`); `None` for abstract classes.
    pub fn scalar_type(&self, class: &Bound<'_, pyo3::types::PyType>) -> Option<DType> {
        // SAFETY: both are type objects.
        let is_scalar =
            unsafe { pyo3::ffi::PyType_IsSubtype(class.as_ptr().cast(), self.generic_type) != 0 };
        if !is_scalar {
            return None;
        }
        let class: *const PyTypeObject = class.as_ptr().cast();
        DType::ALL.into_iter().find(|dtype| {
            // SAFETY: the descriptors are alive, see `load`, and have the layout of `Descr`.
            let descr = unsafe { &*self.descrs[*dtype as usize].cast::<Descr>() };
            std::ptr::eq(descr.scalar_type, class)
        })
    }

    /// The value of a NumPy scalar: its dtype and its bytes. `None` for dtypes that are not lifted.
    pub fn scalar(&self, object: &Bound<'_, PyAny>) -> Option<(DType, [u64; 2])> {
        let py = object.py();
        // SAFETY: `PyArray_DescrFromScalar` and `PyArray_ScalarAsCtype` take any NumPy scalar; the
        // dtypes that are lifted have at most 16 bytes.
        unsafe {
            let descr_from_scalar: extern "C" fn(*mut PyObject) -> *mut PyObject =
                transmute(*self.table.add(entry::DESCR_FROM_SCALAR));
            let descr =
                Bound::from_owned_ptr_or_err(py, descr_from_scalar(object.as_ptr())).ok()?;
            let dtype = self.dtype(&descr)?;
            let as_ctype: extern "C" fn(*mut PyObject, *mut c_void) =
                transmute(*self.table.add(entry::SCALAR_AS_CTYPE));
            let mut bytes = [0u64; 2];
            as_ctype(object.as_ptr(), bytes.as_mut_ptr().cast());
            Some((dtype, bytes))
        }
    }

    /// The dtype of an `np.dtype` object, if it is one that is lifted.
    pub fn dtype(&self, descr: &Bound<'_, PyAny>) -> Option<DType> {
        if !self.is_dtype(descr) {
            return None;
        }
        // SAFETY: the object is a descriptor, whose layout `Descr` is.
        dtype_of(unsafe { &*descr.as_ptr().cast::<Descr>() })
    }

    /// The `np.dtype` object.
    pub fn descr<'py>(&self, py: Python<'py>, dtype: DType) -> Bound<'py, PyAny> {
        // SAFETY: the descriptor is alive, see `load`.
        unsafe { Bound::from_borrowed_ptr(py, self.descrs[dtype as usize]) }
    }

    /// The `np.dtype` that NumPy makes of an object (`"f4"`, `float`, `np.float32`).
    ///
    /// # Errors
    /// NumPy's own, if it is not a dtype.
    pub fn as_descr<'py>(&self, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = object.py();
        let mut out: *mut PyObject = std::ptr::null_mut();
        // SAFETY: `PyArray_DescrConverter` takes any object and gives a new reference on success.
        unsafe {
            let convert: extern "C" fn(*mut PyObject, *mut *mut PyObject) -> c_int =
                transmute(*self.table.add(entry::DESCR_CONVERTER));
            if convert(object.as_ptr(), &mut out) == 0 {
                return Err(PyErr::fetch(py));
            }
            Bound::from_owned_ptr_or_err(py, out)
        }
    }

    /// As [`Api::empty`]; large arrays get memory that is used again.
    ///
    /// # Errors
    /// As for [`Api::empty`].
    pub fn empty_recycled<'py>(
        &self,
        py: Python<'py>,
        dtype: DType,
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        let sizes = shape
            .iter()
            .try_fold(dtype.size(), |n, &k| n.checked_mul(k));
        if sizes.is_none_or(|bytes| bytes < memory::LARGE) {
            return self.empty(py, dtype, shape);
        }
        let ours = memory::handler(py)?;
        let before = self.set_handler(py, ours.bind(py))?;
        let array = self.empty(py, dtype, shape);
        self.set_handler(py, &before)?;
        array
    }

    /// Sets the handler of memory for arrays that this context makes, and gives the one before.
    fn set_handler<'py>(
        &self,
        py: Python<'py>,
        handler: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        type Set = unsafe extern "C" fn(*mut PyObject) -> *mut PyObject;
        // SAFETY: the entry has this signature in every NumPy 2; it gives a new reference, or null
        // with an exception set.
        unsafe {
            let set: Set = transmute(*self.table.add(entry::SET_HANDLER));
            Bound::from_owned_ptr_or_err(py, set(handler.as_ptr()))
        }
    }

    /// An uninitialised C-contiguous array.
    ///
    /// # Errors
    /// `MemoryError`; `ValueError` if the size overflows.
    pub fn empty<'py>(
        &self,
        py: Python<'py>,
        dtype: DType,
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        type New = extern "C" fn(
            *mut PyTypeObject,
            c_int,
            *const isize,
            c_int,
            *const isize,
            *mut c_void,
            c_int,
            c_int,
            *mut PyObject,
        ) -> *mut PyObject;
        // SAFETY: `usize` and `npy_intp` have the same layout, and NumPy refuses negative sizes;
        // null strides and data ask for a fresh C-contiguous array.
        unsafe {
            let new: New = transmute(*self.table.add(entry::NEW));
            Bound::from_owned_ptr_or_err(
                py,
                new(
                    self.array_type,
                    shape.len() as c_int,
                    shape.as_ptr().cast(),
                    number(dtype),
                    std::ptr::null(),
                    std::ptr::null_mut(),
                    0,
                    0,
                    std::ptr::null_mut(),
                ),
            )
        }
    }

    /// A NumPy scalar with the value at `data`.
    ///
    /// # Safety
    /// `data` must point to a value of `dtype`.
    pub unsafe fn new_scalar<'py>(
        &self,
        py: Python<'py>,
        dtype: DType,
        data: *const u8,
    ) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: `PyArray_Scalar` copies one element of the descriptor's size from `data`.
        unsafe {
            let scalar: extern "C" fn(
                *const c_void,
                *mut PyObject,
                *mut PyObject,
            ) -> *mut PyObject = transmute(*self.table.add(entry::SCALAR));
            Bound::from_owned_ptr_or_err(
                py,
                scalar(
                    data.cast(),
                    self.descrs[dtype as usize],
                    std::ptr::null_mut(),
                ),
            )
        }
    }
}

impl Fields {
    /// `None` for dtypes that are not lifted, and for bytes in the other order.
    pub fn dtype(&self) -> Option<DType> {
        // SAFETY: every array has a descriptor.
        dtype_of(unsafe { &*self.descr })
    }

    pub fn shape(&self) -> &[usize] {
        // SAFETY: `sizes` has `rank` entries, none negative; it may be null when there are none.
        unsafe { slice(self.sizes.cast(), self.rank) }
    }

    pub fn strides(&self) -> &[isize] {
        // SAFETY: as in `shape`.
        unsafe { slice(self.strides, self.rank) }
    }

    pub fn is_writeable(&self) -> bool {
        self.flags & WRITEABLE != 0
    }
}

/// # Safety
/// `pointer` must have `rank` entries; it may be null if `rank` is 0.
unsafe fn slice<'a, T>(pointer: *const T, rank: c_int) -> &'a [T] {
    if rank <= 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(pointer, rank as usize) }
}

fn dtype_of(descr: &Descr) -> Option<DType> {
    if matches!(descr.byte_order, b'=' | b'|') {
        from_number(descr.number)
    } else {
        None
    }
}
