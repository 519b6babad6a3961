//! Product, quotient and square root of binary64 numbers.

use super::binary64::{
    INFINITY, INFINITY_DOUBLED, NAN, SIGN, class, give_high, give_packed, go_if_nan, unpacked,
};
use super::names;
use super::wide::{Pair, Shift, difference, shifted_near, sum};
use super::word::Word;
use super::write::{Label, Writer};
use crate::native::{Cond, Function, Machine, Op};

/// [`F64_MUL`](names::F64_MUL).
pub(super) fn mul(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Product of two doubles.", machine, |w, [a_low, a_high, b_low, b_high]| {
        let (a, b, sign) = ([a_low, a_high], [b_low, b_high], (a_high ^ b_high) & SIGN);
        let (nan, zero, infinite) = (w.cold(), w.cold(), w.cold());
        let (a_class, b_class) = (class(a), class(b));
        go_if_nan(w, a, nan);
        go_if_nan(w, b, nan);
        w.go_if(a_class.eq(INFINITY_DOUBLED), infinite, [b_class]);
        w.go_if(b_class.eq(INFINITY_DOUBLED), infinite, [a_class]);
        w.go_if(a_class.eq(0), zero, []);
        w.go_if(b_class.eq(0), zero, []);
        let (a_exponent, a) = unpacked(w, a);
        let (b_exponent, b) = unpacked(w, b);
        let [low, high] = top_of_product(w, a, b);
        let exponent = a_exponent + b_exponent - 1023;
        let [low, high, exponent] = w.choose(
            high.lt(0),
            || [low, high, exponent],
            || {
                let [low, high] = sum([low, high], [low, high]);
                [low, high, exponent - 1]
            },
        );
        give_packed(w, sign, exponent, [low, high]);

        let [other] = w.begin(infinite);
        w.go_if(other.eq(0), nan, []);
        give_high(w, sign | INFINITY);
        give_specials(w, sign, zero, nan);
    })
}

fn give_specials<'w>(w: &'w Writer, sign: Word<'w>, zero: Label<'w, 0>, nan: Label<'w, 0>) {
    w.begin(zero);
    give_high(w, sign);
    w.begin(nan);
    give_high(w, w.constant(NAN as i32));
}

/// The upper 64 bits of the product of two pairs; the lowest stands for all that follow, too.
fn top_of_product<'w>(w: &'w Writer, [a, a_high]: Pair<'w>, [b, b_high]: Pair<'w>) -> Pair<'w> {
    let product = |a: Word<'w>, b: Word<'w>| {
        if w.machine().multiply_long {
            w.words(Op::MulLongUnsigned, &[a, b])
        } else {
            w.call(names::U32_MUL_LONG, &[a, b])
        }
    };
    let zero = w.constant(0);
    let [low, carry] = product(a, b);
    let [middle, carry] = sum(product(a_high, b), [carry, zero]);
    let [other, other_carry] = sum(product(a, b_high), [middle, zero]);
    let [top_low, top_high] = sum(sum(product(a_high, b_high), [carry, zero]), [other_carry, zero]);
    [top_low | (low | other).ne(0).truth(), top_high]
}

/// [`F64_DIV`](names::F64_DIV).
pub(super) fn div(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Quotient of two doubles.", machine, |w, [a_low, a_high, b_low, b_high]| {
        let (a, b, sign) = ([a_low, a_high], [b_low, b_high], (a_high ^ b_high) & SIGN);
        let (nan, zero, infinite, not_alike) = (w.cold(), w.cold(), w.cold(), w.label());
        let (a_class, b_class) = (class(a), class(b));
        go_if_nan(w, a, nan);
        go_if_nan(w, b, nan);
        // 0/0 and ∞/∞ are NaN; else a zero decides, or an infinity.
        w.go_if(a_class.ne(b_class), not_alike, []);
        w.go_if(a_class.eq(0), nan, []);
        w.go_if(a_class.eq(INFINITY_DOUBLED), nan, []);
        w.go(not_alike, []);
        w.begin(not_alike);
        w.go_if(a_class.eq(0), zero, []);
        w.go_if(b_class.eq(INFINITY_DOUBLED), zero, []);
        w.go_if(a_class.eq(INFINITY_DOUBLED), infinite, []);
        w.go_if(b_class.eq(0), infinite, []);
        let (a_exponent, a) = unpacked(w, a);
        let (b_exponent, b) = unpacked(w, b);
        // A bit of room above, so that a rest can be doubled.
        let (dividend, divisor) = (halved(a), halved(b));
        let exponent = a_exponent - b_exponent + 1022;
        let less =
            w.words::<1>(Op::CompareWide(Cond::LtU), &[dividend[0], dividend[1], divisor[0], divisor[1]])[0];
        let [low, high, exponent] = w.choose(
            less.ne(0),
            || {
                let [low, high] = sum(dividend, dividend);
                [low, high, exponent - 1]
            },
            || [dividend[0], dividend[1], exponent],
        );
        // 55 bits of a quotient from 1 to below 2; a 1 in front shows when the last is found.
        let [rest_low, rest_high] = difference([low, high], divisor);
        let start = [w.constant(1), w.constant(0), rest_low, rest_high];
        let [low, high, rest_low, rest_high] = w.repeat(54, start, |[low, high, rest_low, rest_high]| {
            let [low, high] = sum([low, high], [low, high]);
            let [rest_low, rest_high] = sum([rest_low, rest_high], [rest_low, rest_high]);
            let fits =
                w.words::<1>(Op::CompareWide(Cond::LeU), &[divisor[0], divisor[1], rest_low, rest_high])[0];
            let [low, rest_low, rest_high] = w.choose(
                fits.ne(0),
                || {
                    let [rest_low, rest_high] = difference([rest_low, rest_high], divisor);
                    [low + 1, rest_low, rest_high]
                },
                || [low, rest_low, rest_high],
            );
            ([low, high, rest_low, rest_high], high.below(1_u32 << 22))
        });
        let sticky = (rest_low | rest_high).ne(0).truth();
        give_packed(w, sign, exponent, [(low << 9) | sticky, (high << 9) | (low >> 23)]);

        w.begin(infinite);
        give_high(w, sign | INFINITY);
        give_specials(w, sign, zero, nan);
    })
}

/// The pair shifted right by one.
fn halved([low, high]: Pair<'_>) -> Pair<'_> {
    [(low >> 1) | (high << 31), high >> 1]
}

/// [`F64_SQRT`](names::F64_SQRT).
pub(super) fn sqrt(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Square root of a double.", machine, |w, [x_low, x_high]| {
        let (itself, nan) = (w.cold(), w.cold());
        let x = [x_low, x_high];
        let class = class(x);
        w.go_if(class.eq(0), itself, []);
        go_if_nan(w, x, nan);
        w.go_if(x_high.lt(0), nan, []);
        w.go_if(class.eq(INFINITY_DOUBLED), itself, []);
        let (exponent, [low, high]) = unpacked(w, x);
        // An even power of two leaves the root's exponent whole; the mantissa takes the odd one.
        let exponent = exponent + 1023;
        let even = (exponent & 1) ^ 1;
        let [low, high] = shifted_near([low, high], even, Shift::Right);
        let [root_low, root_high, rest_low, rest_high] = root(w, [low, high]);
        let sticky = (rest_low | rest_high).ne(0).truth();
        let mantissa = [(root_low << 10) | sticky, (root_high << 10) | (root_low >> 22)];
        give_packed(w, w.constant(0), (exponent >> 1) - 1, mantissa);

        w.begin(itself);
        w.give(x);
        w.begin(nan);
        give_high(w, w.constant(NAN as i32));
    })
}

/// 54 bits of the root of a pair, digit by digit, and the rest.
fn root<'w>(w: &'w Writer, [low, high]: Pair<'w>) -> [Word<'w>; 4] {
    let zero = w.constant(0);
    let start = [zero, zero, zero, zero, low, high, w.constant(54)];
    let [root_low, root_high, rest_low, rest_high, ..] = w.repeat(54, start, |state| {
        let [root_low, root_high, rest_low, rest_high, low, high, left] = state;
        let rest = [(rest_low << 2) | (high >> 30), (rest_high << 2) | (rest_low >> 30)];
        let [low, high] = [low << 2, (high << 2) | (low >> 30)];
        let [root_low, root_high] = sum([root_low, root_high], [root_low, root_high]);
        let trial = [(root_low << 1) | 1, (root_high << 1) | (root_low >> 31)];
        let fits = w.words::<1>(Op::CompareWide(Cond::LeU), &[trial[0], trial[1], rest[0], rest[1]])[0];
        let [root_low, rest_low, rest_high] = w.choose(
            fits.ne(0),
            || {
                let [rest_low, rest_high] = difference(rest, trial);
                [root_low | 1, rest_low, rest_high]
            },
            || [root_low, rest[0], rest[1]],
        );
        let left = left - 1;
        ([root_low, root_high, rest_low, rest_high, low, high, left], left.ne(0))
    });
    [root_low, root_high, rest_low, rest_high]
}
