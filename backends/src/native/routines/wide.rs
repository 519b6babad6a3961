//! 64-bit integers as pairs of words: products for cores without long multiplication, shifts by any amount.

use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine, Op};

/// A 64-bit number, low word first.
pub(super) type Pair<'w> = [Word<'w>; 2];

/// [`U32_MUL_LONG`](super::names::U32_MUL_LONG).
pub(super) fn mul_long(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The whole product of unsigned words.", machine, |w, [a, b]| w.give(product(a, b)))
}

/// [`I32_MUL_LONG`](super::names::I32_MUL_LONG).
pub(super) fn mul_long_signed(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The whole product of signed words.", machine, |w, [a, b]| {
        if machine.multiply_long {
            return w.give(w.words::<2>(Op::MulLongSigned, &[a, b]));
        }
        // A negative factor counts for 2^32 too much.
        let [low, high] = product(a, b);
        w.give([low, high - (a.sar(31) & b) - (b.sar(31) & a)]);
    })
}

/// [`U64_MUL`](super::names::U64_MUL).
pub(super) fn mul(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The low half of the product of pairs.", machine, |w, [a, a_high, b, b_high]| {
        let [low, high] = product(a, b);
        w.give([low, high + a * b_high + a_high * b]);
    })
}

/// The product of two unsigned words.
pub(super) fn product<'w>(a: Word<'w>, b: Word<'w>) -> Pair<'w> {
    let w = a.writer();
    if w.machine().multiply_long {
        return w.words(Op::MulLongUnsigned, &[a, b]);
    }
    // By halves; each sum has room for its carry.
    let (a_low, a_high, b_low, b_high) = (a.low_half(), a >> 16, b.low_half(), b >> 16);
    let middle = a_high * b_low + ((a_low * b_low) >> 16);
    let other = a_low * b_high + middle.low_half();
    [a * b, a_high * b_high + (middle >> 16) + (other >> 16)]
}

/// Where a shift moves bits, and what comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Left,
    Right,
    RightSigned,
}

/// [`U64_SHL`](super::names::U64_SHL), [`U64_SHR`](super::names::U64_SHR) or [`I64_SHR`](super::names::I64_SHR).
pub(super) fn shift(name: &str, machine: &Machine, shift: Shift) -> Function {
    Writer::function(name, "A shift of a pair by any amount.", machine, |w, [low, high, amount]| {
        let (far, out) = (w.label(), w.cold());
        w.go_if(amount.above(31), far, []);
        w.give(shifted_near([low, high], amount, shift));

        w.begin(far);
        w.go_if(amount.above(63), out, []);
        w.give(shifted_far([low, high], amount - 32, shift));

        w.begin(out);
        let fill = if shift == Shift::RightSigned { high.sar(31) } else { w.constant(0) };
        w.give([fill, fill]);
    })
}

/// The pair shifted by 0 to 31.
pub(super) fn shifted_near<'w>([low, high]: Pair<'w>, amount: Word<'w>, shift: Shift) -> Pair<'w> {
    // `1` and `31 − n` instead of `32 − n`, which may be 32.
    let rest = amount ^ 31;
    match shift {
        Shift::Left => [low << amount, (high << amount) | ((low >> 1) >> rest)],
        Shift::Right => [(low >> amount) | ((high << 1) << rest), high >> amount],
        Shift::RightSigned => [(low >> amount) | ((high << 1) << rest), high.sar(amount)],
    }
}

/// The pair shifted by 32 and this amount, which is 0 to 31.
fn shifted_far<'w>([low, high]: Pair<'w>, amount: Word<'w>, shift: Shift) -> Pair<'w> {
    let zero = low.writer().constant(0);
    match shift {
        Shift::Left => [zero, low << amount],
        Shift::Right => [high >> amount, zero],
        Shift::RightSigned => [high.sar(amount), high.sar(31)],
    }
}

/// The sum of two pairs.
pub(super) fn sum<'w>([low, high]: Pair<'w>, [other_low, other_high]: Pair<'w>) -> Pair<'w> {
    low.writer().words(Op::AddWide, &[low, high, other_low, other_high])
}

/// The difference of two pairs.
pub(super) fn difference<'w>([low, high]: Pair<'w>, [other_low, other_high]: Pair<'w>) -> Pair<'w> {
    low.writer().words(Op::SubWide, &[low, high, other_low, other_high])
}

/// The pair, or its negative where `all` is all ones instead of zero.
pub(super) fn negated_if<'w>(all: Word<'w>, [low, high]: Pair<'w>) -> Pair<'w> {
    difference([low ^ all, high ^ all], [all, all])
}

/// The magnitude of a signed pair.
pub(super) fn magnitude(pair: Pair<'_>) -> Pair<'_> {
    negated_if(pair[1].sar(31), pair)
}

/// A pair that is not zero, shifted left until its highest bit is set, and by how much.
pub(super) fn normalized<'w>(w: &'w Writer, [low, high]: Pair<'w>) -> (Pair<'w>, Word<'w>) {
    use super::leading_zeros::normalized;
    let (upper, lower, done) = (w.label(), w.label(), w.label());
    w.go_if(high.eq(0), lower, []);
    w.go(upper, []);
    w.begin(upper);
    let (_, zeros) = normalized(high);
    let [low_shifted, high_shifted] = shifted_near([low, high], zeros, Shift::Left);
    w.go(done, [low_shifted, high_shifted, zeros]);
    w.begin(lower);
    let (top, zeros) = normalized(low);
    w.go(done, [w.constant(0), top, zeros + 32]);
    let [low, high, zeros] = w.begin(done);
    ([low, high], zeros)
}
