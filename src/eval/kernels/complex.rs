//! Complex arithmetic and functions with NumPy's conventions.

use num_complex::Complex;

/// What complex arithmetic asks of a float type.
pub trait Part: Copy {
    fn divide(a: Complex<Self>, b: Complex<Self>) -> Complex<Self>;
    fn reciprocal(a: Complex<Self>) -> Complex<Self>;
    fn power(a: Complex<Self>, b: Complex<Self>) -> Complex<Self>;
    fn sign(a: Complex<Self>) -> Complex<Self>;
}

macro_rules! parts {
    ($($F:ty),*) => {$(
        impl Part for $F {
            /// Smith's method, operation by operation as NumPy's.
            #[inline(always)]
            fn divide(a: Complex<$F>, b: Complex<$F>) -> Complex<$F> {
                if b.re.abs() >= b.im.abs() {
                    if b.re == 0.0 && b.im == 0.0 {
                        return Complex::new(a.re / b.re.abs(), a.im / b.re.abs());
                    }
                    let ratio = b.im / b.re;
                    let scale = 1.0 / (b.re + b.im * ratio);
                    Complex::new((a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale)
                } else {
                    let ratio = b.re / b.im;
                    let scale = 1.0 / (b.im + b.re * ratio);
                    Complex::new((a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale)
                }
            }

            #[inline(always)]
            fn reciprocal(a: Complex<$F>) -> Complex<$F> {
                if a.im.abs() <= a.re.abs() {
                    let ratio = a.im / a.re;
                    let scale = a.re + a.im * ratio;
                    Complex::new(1.0 / scale, -ratio / scale)
                } else {
                    let ratio = a.re / a.im;
                    let scale = a.re * ratio + a.im;
                    Complex::new(ratio / scale, -1.0 / scale)
                }
            }

            #[inline(always)]
            fn power(a: Complex<$F>, b: Complex<$F>) -> Complex<$F> {
                a.powc(b)
            }

            #[inline(always)]
            fn sign(a: Complex<$F>) -> Complex<$F> {
                a / a.norm()
            }
        }
    )*};
}
parts!(f32, f64);
