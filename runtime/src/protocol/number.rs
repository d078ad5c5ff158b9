//! Binary operators: which method of which operand answers `a + b`, `a += b`,
//! `divmod(a, b)` and `pow(a, b, m)`, in CPython's order. The arithmetic of
//! numbers is in `arith`, that of sequences in `sequence`.

use super::layout::builtin_of_shape;
use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::{B, Class};
use crate::object::function::Native;
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// A binary operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    TrueDiv,
    FloorDiv,
    Mod,
    Pow,
    MatMul,
    LShift,
    RShift,
    And,
    Or,
    Xor,
    /// `divmod(a, b)`: no operator, the same rules.
    DivMod,
}

use BinaryOp::{
    Add, And, DivMod, FloorDiv, LShift, MatMul, Mod, Mul, Or, Pow, RShift, Sub, TrueDiv, Xor,
};

impl BinaryOp {
    /// The operator as error messages show it.
    pub const fn symbol(self) -> &'static str {
        match self {
            Add => "+",
            Sub => "-",
            Mul => "*",
            TrueDiv => "/",
            FloorDiv => "//",
            Mod => "%",
            Pow => "** or pow()",
            MatMul => "@",
            LShift => "<<",
            RShift => ">>",
            And => "&",
            Or => "|",
            Xor => "^",
            DivMod => "divmod()",
        }
    }

    /// The in-place operator as error messages show it.
    pub const fn inplace_symbol(self) -> &'static str {
        match self {
            Add => "+=",
            Sub => "-=",
            Mul => "*=",
            TrueDiv => "/=",
            FloorDiv => "//=",
            Mod => "%=",
            Pow => "**=",
            MatMul => "@=",
            LShift => "<<=",
            RShift => ">>=",
            And => "&=",
            Or => "|=",
            Xor => "^=",
            DivMod => "divmod()",
        }
    }

    /// The method of the left operand.
    pub const fn method(self) -> N {
        match self {
            Add => N::add,
            Sub => N::sub,
            Mul => N::mul,
            TrueDiv => N::truediv,
            FloorDiv => N::floordiv,
            Mod => N::mod_,
            Pow => N::pow,
            MatMul => N::matmul,
            LShift => N::lshift,
            RShift => N::rshift,
            And => N::and,
            Or => N::or,
            Xor => N::xor,
            DivMod => N::divmod,
        }
    }

    /// The method of the right operand.
    pub const fn reflected(self) -> N {
        match self {
            Add => N::radd,
            Sub => N::rsub,
            Mul => N::rmul,
            TrueDiv => N::rtruediv,
            FloorDiv => N::rfloordiv,
            Mod => N::rmod,
            Pow => N::rpow,
            MatMul => N::rmatmul,
            LShift => N::rlshift,
            RShift => N::rrshift,
            And => N::rand,
            Or => N::ror,
            Xor => N::rxor,
            DivMod => N::rdivmod,
        }
    }

    /// The in-place method of the left operand; `divmod` has none.
    pub const fn inplace(self) -> Option<N> {
        Some(match self {
            Add => N::iadd,
            Sub => N::isub,
            Mul => N::imul,
            TrueDiv => N::itruediv,
            FloorDiv => N::ifloordiv,
            Mod => N::imod,
            Pow => N::ipow,
            MatMul => N::imatmul,
            LShift => N::ilshift,
            RShift => N::irshift,
            And => N::iand,
            Or => N::ior,
            Xor => N::ixor,
            DivMod => return None,
        })
    }
}

impl Vm {
    /// `a op b`, or `a op= b`.
    ///
    /// # Errors
    /// TypeError where no operand knows the operation; whatever methods raise.
    pub fn binary(&mut self, op: BinaryOp, a: Value, b: Value, inplace: bool) -> PyResult {
        if op == Add
            && (self.heap.both_exact(a, b, B::Str)
                || !inplace && self.heap.both_exact(a, b, B::List))
            && let Some(v) = self.concat(a, b)?
        {
            return Ok(v);
        }
        if self.both_builtin(a, b) {
            if inplace && let Some(v) = self.builtin_inplace(op, a, b)? {
                return Ok(v);
            }
            let refused = inplace
                && op == Mul
                && !is_sequence(self.heap.kind(a))
                && self.has_sequence_slots(a);
            if !refused && let Some(v) = self.builtin_binary(op, a, b)? {
                return Ok(v);
            }
        } else if op == Mod && self.heap.is_exact(a, B::Str) && self.heap.kind(b) != Some(Kind::Str)
        {
            // Only a subclass of str could go first with a method of its own.
            return self.percent(a, b);
        }
        self.binary_by_methods(op, a, b, inplace)
    }

    /// What the builtin classes' own methods give for `a op b`, by the layout
    /// of the operands; None stands for NotImplemented.
    ///
    /// # Errors
    /// Of the operation itself, such as ZeroDivisionError.
    pub fn builtin_binary(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult<Option<Value>> {
        if let Some(v) = self.number_binary(op, a, b)? {
            return Ok(Some(v));
        }
        let (ka, kb) = (self.heap.kind(a), self.heap.kind(b));
        match op {
            Add => self.concat(a, b),
            Mul if is_sequence(ka) => self.repeat(a, b),
            Mul if is_sequence(kb) => self.repeat(b, a),
            Mod if ka == Some(Kind::Str) => self.percent(a, b).map(Some),
            Mod if ka == Some(Kind::Bytes) => self.percent_bytes(a, b).map(Some),
            Sub | And | Or | Xor => self.set_binary(op, a, b),
            _ => Ok(None),
        }
    }

    /// What the builtin classes' own in-place methods give for `a op= b`; None
    /// where there is no such method, or for NotImplemented.
    ///
    /// # Errors
    /// Of the operation itself.
    pub fn builtin_inplace(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult<Option<Value>> {
        match (op, self.heap.kind(a)) {
            (Add, Some(Kind::List)) => {
                self.list_extend(a, b)?;
                Ok(Some(a))
            }
            (Add, Some(Kind::Bytes)) => self.bytes_extend(a, b),
            (Mul, Some(Kind::List | Kind::Bytes)) => self.repeat_in_place(a, b),
            (Sub | And | Or | Xor, Some(Kind::Set)) => self.set_binary_in_place(op, a, b),
            (Or, Some(Kind::Dict)) => {
                self.dict_update(a, b)?;
                Ok(Some(a))
            }
            (Or, Some(Kind::MappingProxy)) => Err(self.proxy_change_error()),
            _ => Ok(None),
        }
    }

    /// What `|=` of a mappingproxy raises.
    #[cold]
    pub fn proxy_change_error(&mut self) -> Raised {
        self.type_error("'|=' is not supported by mappingproxy; use '|' instead")
    }

    /// The body of a builtin class's `__add__` and its likes: `a` is the
    /// instance, `b` the other operand.
    ///
    /// # Errors
    /// As `builtin_binary`; of a sequence, TypeError where it can't be done.
    pub fn operator_method(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        if self.is_among_others(a, b) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        if op == Mul && is_sequence(self.heap.kind(a)) {
            self.index(b)?;
        }
        match self.builtin_binary(op, a, b)? {
            Some(v) => Ok(v),
            None if op == Add && is_sequence(self.heap.kind(a)) => Err(self.concat_error(a, b)),
            // It wants an index, and says so.
            None if op == Mul && is_sequence(self.heap.kind(a)) => self.index(b),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// The body of a builtin class's `__radd__` and its likes: `a` is the
    /// instance, and stands right of `b`.
    ///
    /// # Errors
    /// As `operator_method`.
    pub fn reflected_method(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        if op == Mul && is_sequence(self.heap.kind(a)) {
            // To repeat is the same on either side.
            return self.operator_method(op, a, b);
        }
        let is_text = matches!(self.heap.kind(a), Some(Kind::Str | Kind::Bytes));
        if self.is_among_others(a, b)
            || op == Mod && is_text && self.heap.kind(a) != self.heap.kind(b)
        {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        match self.builtin_binary(op, b, a)? {
            Some(v) => Ok(v),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// Whether the method of an int is asked about what is none: it leaves
    /// that to the other operand.
    pub fn is_int_among_others(&self, this: Value, other: Value) -> bool {
        self.heap.is_int(this) && !self.heap.is_int(other)
    }

    /// Whether the method of a number or a set is asked about what is none: it leaves that to the
    /// other operand.
    fn is_among_others(&self, this: Value, other: Value) -> bool {
        match self.heap.kind(this) {
            _ if self.heap.is_int(this) => !self.heap.is_int(other),
            _ if self.heap.as_float(this).is_some() => {
                !self.heap.is_int(other) && self.heap.as_float(other).is_none()
            }
            Some(Kind::Set) => self.heap.kind(other) != Some(Kind::Set),
            _ => false,
        }
    }

    /// The body of `__pow__` with three operands.
    ///
    /// # Errors
    /// Of the operation itself; TypeError for a float.
    pub fn power_mod_method(&mut self, a: Value, b: Value, m: Value) -> PyResult {
        if self.heap.is_int(a) && self.heap.is_int(b) && self.heap.is_int(m) {
            return self.int_power_mod(a, b, m);
        }
        if self.heap.as_float(a).is_some() {
            return Err(self.power_mod_error());
        }
        Ok(Value::NOT_IMPLEMENTED)
    }

    /// Whether `v` is a float whose class has left `**` as it is: a script's method on either side
    /// takes CPython's slot.
    fn keeps_float_power(&mut self, v: Value) -> bool {
        if self.heap.as_float(v).is_none() {
            return false;
        }
        let class = self.heap.class_of(v);
        [N::pow, N::rpow].into_iter().all(|name| {
            let method = self.lookup_class(class, self.n(name));
            method.is_none_or(|method| self.builtin_owner(method).is_some())
        })
    }

    fn power_mod_error(&mut self) -> Raised {
        self.type_error("pow() 3rd argument not allowed unless all arguments are integers")
    }

    /// The body of a builtin class's `__iadd__` and its likes.
    ///
    /// # Errors
    /// As `builtin_inplace`.
    pub fn inplace_method(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        if op == Mul && matches!(self.heap.kind(a), Some(Kind::List | Kind::Bytes)) {
            self.index(b)?;
        }
        Ok(self
            .builtin_inplace(op, a, b)?
            .unwrap_or(Value::NOT_IMPLEMENTED))
    }

    #[inline(never)]
    fn binary_by_methods(&mut self, op: BinaryOp, a: Value, b: Value, inplace: bool) -> PyResult {
        let mut late = None;
        if inplace && let Some(inplace_name) = op.inplace() {
            let class = self.heap.class_of(a);
            if let Some(method) = self.lookup_class(class, self.n(inplace_name)) {
                // CPython 3.13 abstract.c PyNumber_InPlaceAdd and PyNumber_InPlaceMultiply: a
                // sequence's own slots come after the number methods of both sides; but a
                // subclass has the one for `+=` among its number methods as well.
                if self.is_sequence_method(op, method)
                    && (op == Mul && !self.has_number_method(op, class, &[inplace_name])
                        || !self.heap.cell::<Class>(class).is_heap)
                {
                    late = Some(method);
                } else {
                    let v = self.call_unbound(method, a, &[b])?;
                    if v != Value::NOT_IMPLEMENTED {
                        return Ok(v);
                    }
                }
            }
        }
        if let Some(v) = self.binary_methods(op, a, b)? {
            return Ok(v);
        }
        if let Some(method) = late {
            if op == Mul && !self.has_index(b) {
                return Err(self.repeat_error(b));
            }
            return self.call_unbound(method, a, &[b]);
        }
        // CPython 3.13 abstract.c PyNumber_Add and PyNumber_Multiply: concat and
        // repeat come after the number methods of both sides.
        match op {
            Add if self.keeps_sequence_slot(op, a) => return self.concat_slot(a, b),
            Mul if self.keeps_sequence_slot(op, a) => return self.repeat_slot(a, b),
            // CPython 3.13 abstract.c PyNumber_InPlaceMultiply: `a *= b` leaves the
            // right operand alone where `a` has the slots of a sequence.
            Mul if self.keeps_sequence_slot(op, b) && !(inplace && self.has_sequence_slots(a)) => {
                return self.repeat_slot(b, a);
            }
            _ => {}
        }
        let symbol = if inplace {
            op.inplace_symbol()
        } else {
            op.symbol()
        };
        Err(self.unsupported_operands(op, symbol, a, b))
    }

    /// `a + b` of a sequence by its own class's rule.
    fn concat_slot(&mut self, a: Value, b: Value) -> PyResult {
        if !is_sequence(self.heap.kind(a)) {
            return self.sequence_method(Add, a, b);
        }
        match self.concat(a, b)? {
            Some(v) => Ok(v),
            None => Err(self.concat_error(a, b)),
        }
    }

    /// A sequence times `times` by its own class's rule.
    fn repeat_slot(&mut self, seq: Value, times: Value) -> PyResult {
        if !self.has_index(times) {
            return Err(self.repeat_error(times));
        }
        if !is_sequence(self.heap.kind(seq)) {
            return self.sequence_method(Mul, seq, times);
        }
        match self.repeat(seq, times)? {
            Some(v) => Ok(v),
            None => Err(self.repeat_error(times)),
        }
    }

    /// Calls the method of a sequence that is none of the builtin ones.
    fn sequence_method(&mut self, op: BinaryOp, this: Value, other: Value) -> PyResult {
        let class = self.heap.class_of(this);
        match self.lookup_class(class, self.n(op.method())) {
            Some(method) => self.call_unbound(method, this, &[other]),
            None => Err(self.unsupported_operands(op, op.symbol(), this, other)),
        }
    }

    /// The operands' methods in order; None when none of them answers.
    fn binary_methods(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult<Option<Value>> {
        let (class_a, class_b) = (self.heap.class_of(a), self.heap.class_of(b));
        let names = [op.method(), op.reflected()];
        let left = self.lookup_class(class_a, self.n(op.method()));
        let left = left.filter(|&m| {
            !self.is_sequence_method(op, m) || self.has_number_method(op, class_a, &names)
        });
        let mut right = None;
        if class_a != class_b {
            let reflected = self.n(op.reflected());
            right = self.lookup_class(class_b, reflected).filter(|&m| {
                !self.is_sequence_method(op, m) || self.has_number_method(op, class_b, &names)
            });
            // A subclass's own reflected method goes first.
            if let Some(method) = right
                && !planted::is(Bug::ReflectedOrder)
                && self.is_subclass(class_b, class_a)
                && self.lookup_class(class_a, reflected) != right
            {
                let v = self.operand_method(op, method, b, a, true)?;
                if v != Value::NOT_IMPLEMENTED {
                    return Ok(Some(v));
                }
                right = None;
            }
        }
        if let Some(method) = left {
            let v = self.operand_method(op, method, a, b, false)?;
            if v != Value::NOT_IMPLEMENTED {
                return Ok(Some(v));
            }
        }
        if let Some(method) = right {
            let v = self.operand_method(op, method, b, a, true)?;
            if v != Value::NOT_IMPLEMENTED {
                return Ok(Some(v));
            }
        }
        Ok(None)
    }

    /// Calls an operand's method; a builtin's own without the way through a call.
    fn operand_method(
        &mut self,
        op: BinaryOp,
        method: Value,
        this: Value,
        other: Value,
        reflected: bool,
    ) -> PyResult {
        let (a, b) = if reflected {
            (other, this)
        } else {
            (this, other)
        };
        let found = match self.builtin_owner(method) {
            // A sequence is repeated after the methods of both sides were asked.
            Some(B::Int | B::Float | B::Bool) if self.is_int_among_others(this, other) => None,
            Some(B::Int | B::Float | B::Bool) => self.number_binary(op, a, b)?,
            // The other methods of a sequence have errors of their own.
            Some(B::Str) if op == Mod => self.builtin_binary(op, a, b)?,
            _ => return self.call_unbound(method, this, &[other]),
        };
        Ok(found.unwrap_or(Value::NOT_IMPLEMENTED))
    }

    /// Whether `v` is a sequence whose class has left `+` or `*` as it is: a script's method in
    /// the place of the one or the other empties CPython's slot of the sequence.
    fn keeps_sequence_slot(&mut self, op: BinaryOp, v: Value) -> bool {
        if self.exact_builtin(v).is_some() {
            return is_sequence(self.heap.kind(v));
        }
        let class = self.heap.class_of(v);
        let names = [op.method(), op.reflected()];
        let n = if op == Add { 1 } else { 2 };
        names[..n].iter().all(|&name| {
            let method = self.lookup_class(class, self.n(name));
            method.is_some_and(|m| self.is_sequence_method(op, m))
        })
    }

    /// Whether a class has one of some methods for `op` that is no builtin sequence's: where one
    /// is a script's, CPython's slot for numbers calls all by their names. It is inherited from
    /// each class of the MRO, also from one whose methods come after the builtin's.
    fn has_number_method(&self, op: BinaryOp, class: Value, names: &[N]) -> bool {
        let mro = &self.heap.cell::<Class>(class).mro;
        mro.iter().any(|&class| {
            let attrs = self.heap.cell::<Class>(class).attrs;
            let own = names
                .iter()
                .map(|&name| self.heap.ns_get(attrs, self.n(name)));
            own.flatten()
                .any(|method| !self.is_sequence_method(op, method))
        })
    }

    /// Whether `method` is `__add__` or `__mul__` of a native sequence, which
    /// CPython keeps apart from the number methods.
    fn is_sequence_method(&self, op: BinaryOp, method: Value) -> bool {
        if !matches!(op, Add | Mul) {
            return false;
        }
        let Some(native) = self.heap.get::<Native>(method) else {
            return false;
        };
        let Some(owner) = self.heap.get::<Class>(native.owner) else {
            return false;
        };
        match builtin_of_shape(owner.root_shape) {
            Some(B::List | B::Tuple | B::Str | B::Bytes | B::ByteArray) => true,
            _ => owner.concatenates,
        }
    }

    #[cold]
    fn unsupported_operands(&mut self, op: BinaryOp, symbol: &str, a: Value, b: Value) -> Raised {
        let hint = if op == RShift
            && self
                .heap
                .get::<Native>(a)
                .is_some_and(|n| n.def.name == "print" && n.owner.is_empty())
        {
            ". Did you mean \"print(<message>, file=<output_stream>)\"?"
        } else {
            ""
        };
        let [a, b] = [a, b].map(|v| self.type_name_within(v, 100));
        self.type_error(format!(
            "unsupported operand type(s) for {symbol}: '{a}' and '{b}'{hint}"
        ))
    }

    /// `divmod(a, b)`.
    ///
    /// # Errors
    /// As `binary`.
    pub fn divmod(&mut self, a: Value, b: Value) -> PyResult {
        self.binary(DivMod, a, b, false)
    }

    /// `pow(a, b, m)`; `m` None is `a ** b`.
    ///
    /// # Errors
    /// As `binary`.
    pub fn power_mod(&mut self, a: Value, b: Value, m: Value) -> PyResult {
        if m.is_none() {
            return self.binary(Pow, a, b, false);
        }
        let builtin = self.both_builtin(a, b);
        if builtin && self.heap.is_int(a) && self.heap.is_int(b) && self.heap.is_int(m) {
            return self.int_power_mod(a, b, m);
        }
        if !builtin {
            // Only the left operand's method is asked with three arguments.
            let class = self.heap.class_of(a);
            if let Some(method) = self.lookup_class(class, self.n(N::pow)) {
                let v = self.call_unbound(method, a, &[b, m])?;
                if v != Value::NOT_IMPLEMENTED {
                    return Ok(v);
                }
            }
        }
        // CPython 3.13 abstract.c ternary_op asks all three; a float always has this to say.
        if [a, b, m].iter().any(|&v| self.keeps_float_power(v)) {
            return Err(self.power_mod_error());
        }
        let [a, b, m] = [a, b, m].map(|v| self.type_name_within(v, 100));
        Err(self.type_error(format!(
            "unsupported operand type(s) for ** or pow(): '{a}', '{b}', '{m}'"
        )))
    }
}

/// Whether cells of this kind concatenate and repeat.
fn is_sequence(kind: Option<Kind>) -> bool {
    matches!(
        kind,
        Some(Kind::List | Kind::Tuple | Kind::Str | Kind::Bytes)
    )
}
