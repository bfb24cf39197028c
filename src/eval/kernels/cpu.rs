//! What this CPU can do, and code compiled for it.
//!
//! In: a function of slices. Out: its result, computed with the widest registers there are.
//!
//! ```
//! use lazy_core::eval::kernels::cpu::vectorized;
//! assert_eq!(vectorized(|| [1.0, 2.0].iter().sum::<f64>()), 3.0);
//! ```

use std::sync::OnceLock;

/// Instruction sets that loops are compiled for, by what they add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What the target always has.
    Portable,
    /// `x86-64-v3`: AVX2 and fused multiply-add.
    V3,
    /// `x86-64-v4`: AVX-512.
    V4,
}

/// The best level of this CPU.
#[inline]
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(detect)
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Portable
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let v3 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let v4 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (v3, v4) {
        (true, true) => Level::V4,
        (true, false) => Level::V3,
        (false, _) => Level::Portable,
    }
}

/// Calls `f`, compiled for the best level. What `f` calls should be `#[inline(always)]`, or it is not.
#[inline]
pub fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn v3<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        #[target_feature(
            enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt"
        )]
        unsafe fn v4<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        match level() {
            // SAFETY: the CPU has what the level says.
            Level::V4 => return unsafe { v4(f) },
            // SAFETY: as above.
            Level::V3 => return unsafe { v3(f) },
            Level::Portable => {}
        }
    }
    f()
}
