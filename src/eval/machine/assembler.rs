//! Machine code for x86-64: the few instructions that are needed, and jumps to labels.
//!
//! In: one call per instruction. Out: bytes, with jumps resolved.
//!
//! ```text
//! a.float(Float::Add, 2, Operand::Register(3))        f2 0f 58 d3        addsd xmm2, xmm3
//! ```
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.

/// A general or an SSE register, by its number.
pub type Number = u8;

pub const RAX: Number = 0;
pub const RCX: Number = 1;
pub const RDX: Number = 2;
pub const RBX: Number = 3;
pub const RSP: Number = 4;
pub const RBP: Number = 5;
pub const RSI: Number = 6;
pub const RDI: Number = 7;

/// What an instruction works on beside its register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    Register(Number),
    /// Memory at a general register and a displacement.
    At(Number, i32),
    /// Memory at a general register and another, which counts elements of 1, 2, 4 or 8 bytes.
    Indexed(Number, Number, usize),
}

/// Of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Single,
    Double,
}

impl Precision {
    /// Bytes of a float.
    pub fn size(self) -> usize {
        match self {
            Precision::Single => 4,
            Precision::Double => 8,
        }
    }

    /// Floats in a register of 32 bytes.
    pub fn lanes(self) -> usize {
        32 / self.size()
    }
}

/// What an instruction on vectors works on: floats that fill a register, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    pub precision: Precision,
    pub whole: bool,
}

/// Comparisons of floats as masks, by their number in `vcmppd`; what is not ordered is unequal only.
#[derive(Clone, Copy, Debug)]
pub enum Relation {
    Equal = 0x00,
    Unordered = 0x03,
    NotEqual = 0x04,
    Less = 0x11,
    LessEqual = 0x12,
    GreaterEqual = 0x1d,
    Greater = 0x1e,
}

/// Operations on bits, as their opcode.
#[derive(Clone, Copy, Debug)]
pub enum Bits {
    And = 0x54,
    /// Of what the first operand lacks.
    AndNot = 0x55,
    Or = 0x56,
    Xor = 0x57,
}

/// A condition, as its code in `jcc`, `setcc` and `cmovcc`; the lowest bit negates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition(u8);

impl Condition {
    pub const OVERFLOW: Condition = Condition(0);
    pub const ABOVE_EQUAL: Condition = Condition(3);
    pub const EQUAL: Condition = Condition(4);
    pub const NOT_EQUAL: Condition = Condition(5);
    pub const ABOVE: Condition = Condition(7);
    pub const SIGN: Condition = Condition(8);
    pub const PARITY: Condition = Condition(10);
    pub const LESS: Condition = Condition(12);
    pub const GREATER_EQUAL: Condition = Condition(13);
    pub const LESS_EQUAL: Condition = Condition(14);
    pub const GREATER: Condition = Condition(15);

    pub fn negated(self) -> Condition {
        Condition(self.0 ^ 1)
    }
}

/// Integer operations of two operands, as their opcode.
#[derive(Clone, Copy, Debug)]
pub enum Integer {
    Add = 0x03,
    Or = 0x0b,
    And = 0x23,
    Subtract = 0x2b,
    Xor = 0x33,
    Compare = 0x3b,
}

/// Operations on one float64, as their opcode.
#[derive(Clone, Copy, Debug)]
pub enum Float {
    Sqrt = 0x51,
    Add = 0x58,
    Multiply = 0x59,
    Subtract = 0x5c,
    Minimum = 0x5d,
    Divide = 0x5e,
    Maximum = 0x5f,
}

#[derive(Clone, Copy, Debug)]
pub enum Shift {
    Left = 4,
    /// Keeps the sign.
    Right = 7,
}

/// A place in the code, bound once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

#[derive(Debug, Default)]
pub struct Assembler {
    bytes: Vec<u8>,
    labels: Vec<Option<usize>>,
    /// Where the distance to a label is to be written.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.bytes.len());
    }

    /// The finished code; none if a label was not bound, or is too far away.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        for (at, label) in self.jumps {
            let target = i64::try_from(self.labels[label.0]?).ok()?;
            let distance = i32::try_from(target - (at as i64 + 4)).ok()?;
            self.bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        Some(self.bytes)
    }

    // Moves.

    pub fn load(&mut self, to: Number, from: Operand) {
        if from != Operand::Register(to) {
            self.encode(None, true, &[0x8b], to, from);
        }
    }

    pub fn store(&mut self, to: Operand, from: Number) {
        if to != Operand::Register(from) {
            self.encode(None, true, &[0x89], from, to);
        }
    }

    /// The lowest 1, 2, 4 or 8 bytes.
    pub fn store_part(&mut self, size: usize, to: Operand, from: Number) {
        match size {
            // The prefix is what makes the low bytes of rsi and rdi registers.
            1 => self.encode_bytes(&[0x88], from, to),
            2 => self.encode(Some(0x66), false, &[0x89], from, to),
            4 => self.encode(None, false, &[0x89], from, to),
            _ => self.encode(None, true, &[0x89], from, to),
        }
    }

    /// The lowest 1, 2, 4 or 8 bytes, extended by zeros or by the sign.
    pub fn load_part(&mut self, size: usize, signed: bool, to: Number, from: Operand) {
        match (size, signed) {
            (1, false) => self.encode_bytes(&[0x0f, 0xb6], to, from),
            (1, true) => self.encode(None, true, &[0x0f, 0xbe], to, from),
            (2, false) => self.encode(None, false, &[0x0f, 0xb7], to, from),
            (2, true) => self.encode(None, true, &[0x0f, 0xbf], to, from),
            (4, false) => self.encode(None, false, &[0x8b], to, from),
            (4, true) => self.encode(None, true, &[0x63], to, from),
            _ => self.encode(None, true, &[0x8b], to, from),
        }
    }

    pub fn constant(&mut self, to: Number, value: i64) {
        match i32::try_from(value) {
            Ok(short) => {
                self.encode(None, true, &[0xc7], 0, Operand::Register(to));
                self.bytes.extend(short.to_le_bytes());
            }
            Err(_) => {
                self.bytes.push(0x48 | (to >> 3));
                self.bytes.push(0xb8 | (to & 7));
                self.bytes.extend(value.to_le_bytes());
            }
        }
    }

    /// Sixteen bytes.
    pub fn load_wide(&mut self, to: Number, from: Operand) {
        self.encode(None, false, &[0x0f, 0x10], to, from);
    }

    pub fn store_wide(&mut self, to: Operand, from: Number) {
        self.encode(None, false, &[0x0f, 0x11], from, to);
    }

    // Integers.

    pub fn integer(&mut self, op: Integer, to: Number, from: Operand) {
        self.encode(None, true, &[op as u8], to, from);
    }

    /// With a number of 32 bits.
    pub fn integer_constant(&mut self, op: Integer, to: Operand, value: i32) {
        let digit = (op as u8) >> 3;
        self.encode(None, true, &[0x81], digit, to);
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn multiply(&mut self, to: Number, by: Operand) {
        self.encode(None, true, &[0x0f, 0xaf], to, by);
    }

    /// `rdx:rax` by the operand: quotient to `rax`, remainder to `rdx`; 64 bits or 32.
    pub fn divide(&mut self, wide: bool, by: Operand) {
        // The sign of rax goes to rdx first.
        if wide {
            self.bytes.push(0x48);
        }
        self.bytes.push(0x99);
        self.encode(None, wide, &[0xf7], 7, by);
    }

    pub fn negate(&mut self, register: Number) {
        self.encode(None, true, &[0xf7], 3, Operand::Register(register));
    }

    pub fn invert(&mut self, register: Number) {
        self.encode(None, true, &[0xf7], 2, Operand::Register(register));
    }

    /// By `cl`.
    pub fn shift(&mut self, op: Shift, register: Number) {
        let to = Operand::Register(register);
        self.encode(None, true, &[0xd3], op as u8, to);
    }

    pub fn shift_constant(&mut self, op: Shift, register: Number, by: u8) {
        let to = Operand::Register(register);
        self.encode(None, true, &[0xc1], op as u8, to);
        self.bytes.push(by);
    }

    /// Compares with zero.
    pub fn test(&mut self, register: Number) {
        let with = Operand::Register(register);
        self.encode(None, true, &[0x85], register, with);
    }

    /// Compares a byte with zero.
    pub fn test_byte(&mut self, at: Operand) {
        self.encode_bytes(&[0x80], 7, at);
        self.bytes.push(0);
    }

    /// 0 or 1.
    pub fn set(&mut self, condition: Condition, to: Number) {
        self.encode_bytes(&[0x0f, 0x90 | condition.0], 0, Operand::Register(to));
        self.load_part(1, false, to, Operand::Register(to));
    }

    pub fn move_if(&mut self, condition: Condition, to: Number, from: Operand) {
        self.encode(None, true, &[0x0f, 0x40 | condition.0], to, from);
    }

    // Floats.

    pub fn float(&mut self, op: Float, to: Number, from: Operand) {
        self.encode(Some(0xf2), false, &[0x0f, op as u8], to, from);
    }

    pub fn load_float(&mut self, to: Number, from: Operand) {
        match from {
            Operand::Register(same) if same == to => {}
            Operand::Register(_) => self.encode(Some(0x66), false, &[0x0f, 0x28], to, from),
            Operand::At(..) | Operand::Indexed(..) => {
                self.encode(Some(0xf2), false, &[0x0f, 0x10], to, from)
            }
        }
    }

    pub fn store_float(&mut self, to: Operand, from: Number) {
        match to {
            Operand::Register(to) => self.load_float(to, Operand::Register(from)),
            Operand::At(..) | Operand::Indexed(..) => {
                self.encode(Some(0xf2), false, &[0x0f, 0x11], from, to)
            }
        }
    }

    /// Flags as of unsigned numbers; parity if they are unordered.
    pub fn compare_float(&mut self, a: Number, b: Operand) {
        self.encode(Some(0x66), false, &[0x0f, 0x2e], a, b);
    }

    pub fn and_float(&mut self, to: Number, with: Number) {
        let with = Operand::Register(with);
        self.encode(Some(0x66), false, &[0x0f, 0x54], to, with);
    }

    pub fn xor_float(&mut self, to: Number, with: Number) {
        let with = Operand::Register(with);
        self.encode(Some(0x66), false, &[0x0f, 0x57], to, with);
    }

    pub fn float_of_integer(&mut self, to: Number, from: Operand) {
        // Without this the result waits for what the register held before.
        self.xor_float(to, to);
        self.encode(Some(0xf2), true, &[0x0f, 0x2a], to, from);
    }

    /// Truncated; the lowest integer if that does not fit.
    pub fn integer_of_float(&mut self, to: Number, from: Operand) {
        self.encode(Some(0xf2), true, &[0x0f, 0x2c], to, from);
    }

    pub fn double_of_single(&mut self, to: Number, from: Operand) {
        self.encode(Some(0xf3), false, &[0x0f, 0x5a], to, from);
    }

    pub fn single_of_double(&mut self, to: Number, from: Operand) {
        self.encode(Some(0xf2), false, &[0x0f, 0x5a], to, from);
    }

    pub fn float_of_bits(&mut self, to: Number, from: Number) {
        let from = Operand::Register(from);
        self.encode(Some(0x66), true, &[0x0f, 0x6e], to, from);
    }

    pub fn bits_of_float(&mut self, to: Number, from: Number) {
        let to = Operand::Register(to);
        self.encode(Some(0x66), true, &[0x0f, 0x7e], from, to);
    }

    // Rows of floats.

    /// `to = a op b`; a square root has only `b`.
    pub fn vector(&mut self, op: Float, width: Width, to: Number, a: Number, b: Operand) {
        self.encode_vector(Vex::arithmetic(width), 0x0f, op as u8, to, a, b);
    }

    /// All bits are set where the relation holds.
    pub fn vector_compare(
        &mut self,
        relation: Relation,
        width: Width,
        to: Number,
        a: Number,
        b: Operand,
    ) {
        self.encode_vector(Vex::arithmetic(width), 0x0f, 0xc2, to, a, b);
        self.bytes.push(relation as u8);
    }

    pub fn vector_bits(&mut self, op: Bits, width: Width, to: Number, a: Number, b: Number) {
        let b = Operand::Register(b);
        self.encode_vector(Vex::bits(width.whole), 0x0f, op as u8, to, a, b);
    }

    /// `yes` where the mask is set, `no` elsewhere.
    pub fn vector_select(
        &mut self,
        width: Width,
        to: Number,
        mask: Number,
        yes: Number,
        no: Number,
    ) {
        let yes = Operand::Register(yes);
        let opcode = match width.precision {
            Precision::Single => 0x4a,
            Precision::Double => 0x4b,
        };
        self.encode_vector(Vex::bits(width.whole), 0x3a, opcode, to, no, yes);
        self.bytes.push(mask << 4);
    }

    pub fn vector_load(&mut self, width: Width, to: Number, from: Operand) {
        self.encode_vector(Vex::arithmetic(width), 0x0f, 0x10, to, 0, from);
    }

    pub fn vector_store(&mut self, width: Width, to: Operand, from: Number) {
        self.encode_vector(Vex::arithmetic(width), 0x0f, 0x11, from, 0, to);
    }

    /// One float from memory, in all places.
    pub fn broadcast(&mut self, precision: Precision, to: Number, from: Operand) {
        let opcode = match precision {
            Precision::Single => 0x18,
            Precision::Double => 0x19,
        };
        self.encode_vector(Vex::bits(true), 0x38, opcode, to, 0, from);
    }

    /// Flags, which are bytes of 0 or 1 in memory, as masks; `zeros` is a register of zeros.
    pub fn load_flags(&mut self, width: Width, to: Number, from: Operand, zeros: Number) {
        match (width.whole, width.precision) {
            (true, Precision::Single) => {
                self.encode_vector(Vex::bits(true), 0x38, 0x31, to, 0, from);
            }
            (true, Precision::Double) => {
                self.encode_vector(Vex::bits(true), 0x38, 0x32, to, 0, from);
            }
            // Into the lowest byte of zeros.
            (false, _) => {
                self.encode_vector(Vex::bits(false), 0x3a, 0x20, to, zeros, from);
                self.bytes.push(0);
            }
        }
        let opcode = match width.precision {
            Precision::Single => 0xfa,
            Precision::Double => 0xfb,
        };
        let flags = Operand::Register(to);
        self.encode_vector(Vex::bits(width.whole), 0x0f, opcode, to, zeros, flags);
    }

    /// Masks as flags. The register with the masks is overwritten, and so is `room`.
    pub fn store_flags(&mut self, width: Width, to: Operand, masks: Number, room: Number) {
        let (half, itself) = (Vex::bits(false), Operand::Register(masks));
        if !width.whole {
            self.encode_vector(half, 0x38, 0x1c, masks, 0, itself);
            self.encode_vector(half, 0x3a, 0x14, masks, 0, to);
            self.bytes.push(0);
            return;
        }
        // The upper half, then narrower and narrower: a mask of any width is -1, whose absolute value is 1.
        let upper = Operand::Register(room);
        self.encode_vector(Vex::bits(true), 0x3a, 0x19, masks, 0, upper);
        self.bytes.push(1);
        let narrowed = match width.precision {
            Precision::Single => upper,
            Precision::Double => {
                let unprefixed = Vex { prefix: 0, ..half };
                self.encode_vector(unprefixed, 0x0f, 0xc6, masks, masks, upper);
                self.bytes.push(0x88);
                itself
            }
        };
        self.encode_vector(half, 0x0f, 0x6b, masks, masks, narrowed);
        self.encode_vector(half, 0x0f, 0x63, masks, masks, itself);
        self.encode_vector(half, 0x38, 0x1c, masks, 0, itself);
        match width.precision {
            Precision::Single => self.encode_vector(half, 0x0f, 0xd6, masks, 0, to),
            Precision::Double => self.encode_vector(half, 0x0f, 0x7e, masks, 0, to),
        }
    }

    /// What comes after instructions on whole registers, so that those on one float are fast.
    pub fn end_vectors(&mut self) {
        self.bytes.extend([0xc5, 0xf8, 0x77]);
    }

    /// The address of memory.
    pub fn address(&mut self, to: Number, of: Operand) {
        self.encode(None, true, &[0x8d], to, of);
    }

    fn encode_vector(
        &mut self,
        vex: Vex,
        map: u8,
        opcode: u8,
        register: Number,
        other: Number,
        operand: Operand,
    ) {
        // Fourth bits are stored inverted.
        let extensions = extension(register, operand);
        let map = match map {
            0x0f => 1,
            0x38 => 2,
            _ => 3,
        };
        let bits = !((extensions & 4) << 5 | (extensions & 2) << 5 | (extensions & 1) << 5) & 0xe0;
        self.bytes.push(0xc4);
        self.bytes.push(bits | map);
        self.bytes
            .push((!other & 15) << 3 | u8::from(vex.wide) << 2 | vex.prefix);
        self.bytes.push(opcode);
        self.place(register, operand);
    }

    // Control.

    pub fn jump(&mut self, to: Label) {
        self.bytes.push(0xe9);
        self.distance(to);
    }

    pub fn jump_if(&mut self, condition: Condition, to: Label) {
        self.bytes.extend([0x0f, 0x80 | condition.0]);
        self.distance(to);
    }

    pub fn call(&mut self, register: Number) {
        self.encode(None, false, &[0xff], 2, Operand::Register(register));
    }

    pub fn push(&mut self, register: Number) {
        self.encode(None, false, &[0xff], 6, Operand::Register(register));
    }

    pub fn pop(&mut self, register: Number) {
        self.encode(None, false, &[0x8f], 0, Operand::Register(register));
    }

    pub fn leave(&mut self) {
        self.bytes.push(0xc3);
    }

    fn distance(&mut self, to: Label) {
        self.jumps.push((self.bytes.len(), to));
        self.bytes.extend([0; 4]);
    }

    fn encode(
        &mut self,
        prefix: Option<u8>,
        wide: bool,
        opcode: &[u8],
        register: Number,
        operand: Operand,
    ) {
        self.bytes.extend(prefix);
        let extensions = (u8::from(wide) << 3) | extension(register, operand);
        if extensions != 0 {
            self.bytes.push(0x40 | extensions);
        }
        self.bytes.extend(opcode);
        self.place(register, operand);
    }

    /// As [`Self::encode`], for registers of one byte.
    fn encode_bytes(&mut self, opcode: &[u8], register: Number, operand: Operand) {
        self.bytes.push(0x40 | extension(register, operand));
        self.bytes.extend(opcode);
        self.place(register, operand);
    }

    /// The bytes that name the operands.
    fn place(&mut self, register: Number, operand: Operand) {
        let middle = (register & 7) << 3;
        match operand {
            Operand::Register(number) => self.bytes.push(0xc0 | middle | (number & 7)),
            Operand::At(base, displacement) => {
                let short = i8::try_from(displacement);
                let mode = if short.is_ok() { 0x40 } else { 0x80 };
                self.bytes.push(mode | middle | (base & 7));
                if base & 7 == RSP {
                    self.bytes.push(0x24);
                }
                match short {
                    Ok(short) => self.bytes.push(short as u8),
                    Err(_) => self.bytes.extend(displacement.to_le_bytes()),
                }
            }
            Operand::Indexed(base, index, size) => {
                let scale = (size.trailing_zeros() as u8) << 6;
                let scaled = scale | (index & 7) << 3 | (base & 7);
                self.bytes.extend([0x44 | middle, scaled, 0]);
            }
        }
    }
}

/// What the prefix of an instruction on vectors says besides registers.
#[derive(Clone, Copy)]
struct Vex {
    prefix: u8,
    wide: bool,
}

impl Vex {
    /// Of instructions that come for one float and for as many as fill a register.
    fn arithmetic(width: Width) -> Vex {
        let prefix = match (width.precision, width.whole) {
            (Precision::Single, true) => 0,
            (Precision::Double, true) => 1,
            (Precision::Single, false) => 2,
            (Precision::Double, false) => 3,
        };
        let wide = width.whole;
        Vex { prefix, wide }
    }

    /// Of instructions on bits, of all of a register or of its half.
    fn bits(wide: bool) -> Vex {
        Vex { prefix: 1, wide }
    }
}

/// The fourth bits of the numbers of registers.
fn extension(register: Number, operand: Operand) -> u8 {
    let (other, index) = match operand {
        Operand::Register(other) | Operand::At(other, _) => (other, 0),
        Operand::Indexed(base, index, _) => (base, index),
    };
    (register >> 3) << 2 | (index >> 3) << 1 | other >> 3
}
