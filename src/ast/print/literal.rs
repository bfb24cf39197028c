//! Literals: a constant in, Python source that reads back as exactly that constant out.
//!
//! ```text
//! 0.9999999999999999   1e300   1e309 (infinity)   "it's"   b"\x00"   2.0j
//! ```

use num_bigint::BigInt;
use rustpython_ast::Constant;

/// Integers of more digits than this are written in hexadecimal: CPython refuses longer decimal ones.
const DECIMAL_DIGITS: u64 = 4000;

pub fn constant(value: &Constant, quote: char) -> String {
    match value {
        Constant::None => "None".into(),
        Constant::Bool(true) => "True".into(),
        Constant::Bool(false) => "False".into(),
        Constant::Str(s) => string(s, quote),
        Constant::Bytes(b) => bytes(b, quote),
        Constant::Int(i) => integer(i),
        Constant::Tuple(items) => {
            let items: Vec<_> = items.iter().map(|c| constant(c, quote)).collect();
            match items.as_slice() {
                [one] => format!("({one},)"),
                _ => format!("({})", items.join(", ")),
            }
        }
        Constant::Float(x) => float(*x),
        Constant::Complex { real, imag } if real.to_bits() == 0 && imag.is_finite() => {
            format!("{imag:?}j")
        }
        Constant::Complex { real, imag } => format!("complex({}, {})", float(*real), float(*imag)),
        Constant::Ellipsis => "...".into(),
    }
}

/// Whether the literal starts with a sign, and so binds like a unary operator.
pub fn is_signed(value: &Constant) -> bool {
    match value {
        Constant::Int(i) => i.sign() == num_bigint::Sign::Minus,
        Constant::Float(x) => x.is_sign_negative() && !x.is_nan(),
        Constant::Complex { real, imag } => {
            real.to_bits() == 0 && imag.is_finite() && imag.is_sign_negative()
        }
        Constant::None
        | Constant::Bool(_)
        | Constant::Str(_)
        | Constant::Bytes(_)
        | Constant::Tuple(_)
        | Constant::Ellipsis => false,
    }
}

fn integer(i: &BigInt) -> String {
    if i.bits() / 3 > DECIMAL_DIGITS {
        let sign = if i.sign() == num_bigint::Sign::Minus {
            "-"
        } else {
            ""
        };
        format!("{sign}0x{}", i.magnitude().to_str_radix(16))
    } else {
        i.to_string()
    }
}

/// The shortest decimal that reads back, as Rust's `{:?}` and Python's `repr` both give.
pub fn float(x: f64) -> String {
    if x.is_nan() {
        "float(\"nan\")".into()
    } else if x.is_infinite() {
        // Overflows to infinity when read.
        if x > 0.0 { "1e309" } else { "-1e309" }.into()
    } else {
        format!("{x:?}")
    }
}

/// A string in the preferred quotes, or in the other ones if that saves escapes.
pub fn string(s: &str, preferred: char) -> String {
    let other = if preferred == '"' { '\'' } else { '"' };
    let quote = if s.contains(preferred) && !s.contains(other) {
        other
    } else {
        preferred
    };
    let mut out = String::from(quote);
    for c in s.chars() {
        escape(&mut out, c, Some(quote));
    }
    out.push(quote);
    out
}

/// One character of a string literal; `quote` is the character to escape, if any.
pub fn escape(out: &mut String, c: char, quote: Option<char>) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if Some(c) == quote => {
            out.push('\\');
            out.push(c);
        }
        c if (c as u32) < 0x20 || c as u32 == 0x7f => {
            out.push_str(&format!("\\x{:02x}", c as u32));
        }
        // Line separators, controls, and marks that would change how the line is shown.
        c if is_invisible(c) => match c as u32 {
            n @ 0..=0xff => out.push_str(&format!("\\x{n:02x}")),
            n @ 0x100..=0xffff => out.push_str(&format!("\\u{n:04x}")),
            n => out.push_str(&format!("\\U{n:08x}")),
        },
        c => out.push(c),
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c as u32,
        0x80..=0xa0 | 0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xfff9..=0xffff | 0xe0000..=0xe0fff)
}

fn bytes(b: &[u8], preferred: char) -> String {
    let quote = if preferred == '"' { b'"' } else { b'\'' };
    let mut out = format!("b{preferred}");
    for &byte in b {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(preferred);
            }
            0x20..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(preferred);
    out
}
