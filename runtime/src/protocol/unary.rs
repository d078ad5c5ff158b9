//! Unary operators: `-a`, `+a`, `~a`, `abs(a)`.

use num_bigint::BigInt;
use num_traits::Signed;

use super::arith::Num;
use crate::native::PyResult;
use crate::object::class::B;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// A unary operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Neg,
    Pos,
    Invert,
    /// `abs(a)`.
    Abs,
}

impl UnaryOp {
    /// The operator as error messages show it.
    pub const fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "unary -",
            UnaryOp::Pos => "unary +",
            UnaryOp::Invert => "unary ~",
            UnaryOp::Abs => "abs()",
        }
    }

    /// The operand's method.
    pub const fn method(self) -> N {
        match self {
            UnaryOp::Neg => N::neg,
            UnaryOp::Pos => N::pos,
            UnaryOp::Invert => N::invert,
            UnaryOp::Abs => N::abs,
        }
    }
}

const INVERTED_BOOL: &str = "Bitwise inversion '~' on bool is deprecated and will be removed in \
    Python 3.16. This returns the bitwise inversion of the underlying int object and is usually \
    not what you expect from the negation of a bool object. Use the 'not' operator for boolean \
    negation or ~int(x) for the bitwise inversion of the underlying int.";

impl Vm {
    /// `op a`.
    ///
    /// # Errors
    /// TypeError where the operand doesn't know it; whatever its method raises.
    pub fn unary(&mut self, op: UnaryOp, a: Value) -> PyResult {
        if op == UnaryOp::Invert && a.is_bool() {
            self.warn(B::DeprecationWarning, INVERTED_BOOL)?;
        }
        if self.exact_builtin(a).is_some()
            && let Some(v) = self.builtin_unary(op, a)
        {
            return Ok(v);
        }
        if let Some(v) = self.call_special(a, op.method(), &[])? {
            return Ok(v);
        }
        let (symbol, name) = (op.symbol(), self.type_name(a));
        Err(self.type_error(format!("bad operand type for {symbol}: '{name}'")))
    }

    /// `abs(a)`.
    ///
    /// # Errors
    /// As `unary`.
    pub fn abs(&mut self, a: Value) -> PyResult {
        self.unary(UnaryOp::Abs, a)
    }

    /// What the builtin numbers' own method gives, by the layout of `a`; None
    /// where it has none.
    pub fn builtin_unary(&mut self, op: UnaryOp, a: Value) -> Option<Value> {
        let big = match self.heap.num(a)? {
            Num::Int(n) => {
                // Inline ints have 62 bits: none of these overflows.
                return Some(self.heap.int(match op {
                    UnaryOp::Neg => -n,
                    UnaryOp::Pos => n,
                    UnaryOp::Invert => !n,
                    UnaryOp::Abs => n.abs(),
                }));
            }
            Num::Float(f) => {
                let f = match op {
                    UnaryOp::Neg => -f,
                    UnaryOp::Pos => f,
                    UnaryOp::Abs => f.abs(),
                    UnaryOp::Invert => return None,
                };
                return Some(self.heap.float(f));
            }
            Num::Big(n) => match op {
                UnaryOp::Neg => -n,
                UnaryOp::Pos => n.clone(),
                UnaryOp::Invert => -(n + BigInt::from(1)),
                UnaryOp::Abs => n.abs(),
            },
        };
        Some(self.heap.big(big))
    }
}
