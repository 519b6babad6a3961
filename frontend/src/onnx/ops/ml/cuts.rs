//! Comparisons of a feature with numbers, as cuts through the ordered values of the feature's type: every mode of ONNX's trees
//! becomes a few tests of the form `x ≤ t`.

use tinyc_ir::{DType, Data};

/// What a node asks of its feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    Above(f64),
    Equal(f64),
    Differs(f64),
    /// One of these numbers.
    Member(Vec<f64>),
}

/// A comparison `x ≤ cut`. A cut is a value's place in the order of its type, and one below the least holds for nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) at: i128,
    /// Whether NaN counts as less.
    pub(super) missing: bool,
    pub(super) yes: Goal,
    pub(super) no: Goal,
}

/// Where a comparison leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A later cut of the same test.
    Cut(usize),
    /// The test's answer.
    Answer(bool),
}

/// The order of a type's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order(pub(super) DType);

impl Order {
    /// The least and the greatest place.
    fn ends(self) -> (i128, i128) {
        match self.0 {
            DType::F32 => {
                let infinity = i128::from(f32::INFINITY.to_bits());
                (-infinity, infinity)
            }
            DType::F64 => {
                let infinity = i128::from(f64::INFINITY.to_bits());
                (-infinity, infinity)
            }
            int => int.int_range().unwrap_or((0, 0)),
        }
    }

    /// The greatest place whose value is at most `v`, or below it.
    fn last(self, v: f64, strictly: bool) -> i128 {
        let (least, greatest) = self.ends();
        let beyond = |found: f64| found > v || strictly && found == v;
        let place = |magnitude: u64, negative: bool| i128::from(magnitude) * if negative { -1 } else { 1 };
        match self.0 {
            DType::F32 => {
                let near = v as f32;
                let at = place(u64::from(near.abs().to_bits()), near.is_sign_negative());
                at - i128::from(beyond(f64::from(near)))
            }
            DType::F64 => place(v.abs().to_bits(), v.is_sign_negative()) - i128::from(strictly),
            _ => {
                let whole = v.floor();
                let at = if whole >= greatest as f64 {
                    // The conversion of the greatest may have rounded it up.
                    if whole > greatest as f64 || whole as i128 > greatest {
                        greatest + 1
                    } else {
                        whole as i128
                    }
                } else if whole < least as f64 {
                    least - 1
                } else {
                    whole as i128
                };
                at - i128::from(strictly && whole == v)
            }
        }
    }

    /// Thresholds at these places, as numbers of the type. What holds for nothing is NaN; integers have no such.
    pub(super) fn numbers(self, places: &[i128]) -> Data {
        let (least, greatest) = self.ends();
        let clamp = |place: i128| place.clamp(least, greatest);
        let sign = |place: i128| if place < 0 { -1.0 } else { 1.0 };
        match self.0 {
            DType::F32 => {
                let number = |&place: &i128| match place < least {
                    true => f32::NAN,
                    false => f32::from_bits(clamp(place).unsigned_abs() as u32) * sign(place) as f32,
                };
                Data::F32(places.iter().map(number).collect())
            }
            DType::F64 => {
                let number = |&place: &i128| match place < least {
                    true => f64::NAN,
                    false => f64::from_bits(clamp(place).unsigned_abs() as u64) * sign(place),
                };
                Data::F64(places.iter().map(number).collect())
            }
            int => Data::from_ints(int, places.iter().map(|&place| clamp(place) as i64)),
        }
    }

    /// The cuts of a test, the first to ask first, in an order where each leads to later ones; none where the answer is known.
    pub(super) fn cuts(self, test: &Test, missing: bool) -> (Vec<Cut>, Goal) {
        let (least, greatest) = self.ends();
        let mut places: Vec<i128> = Vec::new();
        // The answers below the first cut, between cuts, and above the last.
        let mut answers = vec![false];
        let mut cut = |at: i128, beyond: bool| {
            if at < least {
                answers.pop();
            } else if at < greatest {
                places.push(at);
            } else {
                return;
            }
            answers.push(beyond);
        };
        let points = |points: &[f64], inside: bool, cut: &mut dyn FnMut(i128, bool)| {
            for &v in points {
                let (below, at) = (self.last(v, true), self.last(v, false));
                // A number that the type lacks has no place between the two.
                if below < at {
                    cut(below, inside);
                    cut(at, !inside);
                }
            }
        };
        let mut nan = missing;
        let known = |v: f64| !v.is_nan();
        let first = match test {
            Test::AtMost(v) | Test::Below(v) => known(*v),
            Test::Differs(_) => true,
            _ => false,
        };
        cut(least - 1, first);
        match test {
            Test::AtMost(v) | Test::AtLeast(v) | Test::Below(v) | Test::Above(v) if known(*v) => {
                let strictly = matches!(test, Test::Below(_) | Test::AtLeast(_));
                cut(self.last(*v, strictly), !first);
            }
            Test::Equal(v) if known(*v) => points(&[*v], true, &mut cut),
            Test::Differs(v) => {
                nan = true;
                if known(*v) {
                    points(&[*v], false, &mut cut);
                }
            }
            Test::Member(values) => {
                let mut values: Vec<f64> = values.iter().copied().filter(|v| known(*v)).collect();
                values.sort_by(f64::total_cmp);
                values.dedup_by(|a, b| a == b);
                points(&values, true, &mut cut);
            }
            _ => {}
        }
        merge(&mut places, &mut answers);
        self.tree(&places, &answers, nan)
    }

    /// The balanced tree that finds the answer of an interval; NaN gets its own.
    fn tree(self, places: &[i128], answers: &[bool], nan: bool) -> (Vec<Cut>, Goal) {
        let (first, last) = (answers[0], answers[answers.len() - 1]);
        let float = self.0.is_float();
        if places.is_empty() && (!float || first == nan) {
            return (Vec::new(), Goal::Answer(first));
        }
        let mut cuts = Vec::new();
        // NaN goes past all cuts on one side; where neither side has its answer, a cut of its own comes first.
        let low = float && last != nan;
        if float && last != nan && first != nan {
            let at = self.ends().0 - 1;
            cuts.push(Cut { at, missing: true, yes: Goal::Answer(nan), no: Goal::Answer(first) });
            if !places.is_empty() {
                cuts[0].no = Goal::Cut(1);
            }
        }
        if !places.is_empty() {
            grow(places, answers, low, &mut cuts);
        }
        (cuts, Goal::Cut(0))
    }
}

/// Drops cuts between equal answers.
fn merge(places: &mut Vec<i128>, answers: &mut Vec<bool>) {
    let mut kept = (Vec::new(), vec![answers[0]]);
    for (&place, &answer) in places.iter().zip(&answers[1..]) {
        if kept.1.last() != Some(&answer) {
            kept.0.push(place);
            kept.1.push(answer);
        }
    }
    (*places, *answers) = kept;
}

/// Adds the cuts between the answers, the middle first; where to begin.
fn grow(places: &[i128], answers: &[bool], missing: bool, cuts: &mut Vec<Cut>) -> Goal {
    if places.is_empty() {
        return Goal::Answer(answers[0]);
    }
    let middle = places.len() / 2;
    let own = cuts.len();
    cuts.push(Cut { at: places[middle], missing, yes: Goal::Cut(0), no: Goal::Cut(0) });
    cuts[own].yes = grow(&places[..middle], &answers[..=middle], missing, cuts);
    cuts[own].no = grow(&places[middle + 1..], &answers[middle + 1..], missing, cuts);
    Goal::Cut(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cuts answer to a number.
    fn answer(order: Order, (cuts, start): &(Vec<Cut>, Goal), x: f64) -> bool {
        let place = match order.0 {
            _ if x.is_nan() => None,
            DType::F32 => Some(i128::from((x as f32).abs().to_bits()) * if x < 0.0 { -1 } else { 1 }),
            DType::F64 => Some(i128::from(x.abs().to_bits()) * if x < 0.0 { -1 } else { 1 }),
            _ => Some(x as i128),
        };
        let mut goal = *start;
        loop {
            match goal {
                Goal::Answer(answer) => return answer,
                Goal::Cut(i) => {
                    let holds = place.map_or(cuts[i].missing, |place| place <= cuts[i].at);
                    let next = if holds { cuts[i].yes } else { cuts[i].no };
                    assert!(!matches!(next, Goal::Cut(next) if next <= i));
                    goal = next;
                }
            }
        }
    }

    #[test]
    fn cuts_answer_as_the_tests_do() {
        let inf = f64::INFINITY;
        let numbers = [0.0, -0.0, 1.0, -1.0, 1.5, 2.0, 127.0, 128.0, -128.0, 1e30, inf, -inf, f64::NAN, 0.1];
        let mut tests: Vec<Test> = vec![Test::Member(vec![]), Test::Member(vec![f64::NAN])];
        for &v in &numbers {
            use Test::*;
            tests.extend([AtMost(v), Below(v), AtLeast(v), Above(v), Equal(v), Differs(v)]);
            tests.extend([Member(vec![v]), Member(vec![2.0, v, 1.0]), Member(numbers.to_vec())]);
        }
        for dtype in [DType::F32, DType::F64, DType::I8, DType::I64] {
            let order = Order(dtype);
            for (test, missing) in tests.iter().flat_map(|t| [(t, false), (t, true)]) {
                let cuts = order.cuts(test, missing);
                for &x in &numbers {
                    let x = match dtype {
                        DType::F32 => f64::from(x as f32),
                        DType::F64 => x,
                        _ if x.is_nan() => continue,
                        DType::I8 => f64::from(x as i8),
                        _ => (x as i64) as f64,
                    };
                    let plain = match test {
                        Test::AtMost(v) => x <= *v,
                        Test::Below(v) => x < *v,
                        Test::AtLeast(v) => x >= *v,
                        Test::Above(v) => x > *v,
                        Test::Equal(v) => x == *v,
                        Test::Differs(v) => x != *v,
                        Test::Member(values) => values.contains(&x),
                    };
                    let expected = plain || missing && x.is_nan();
                    assert_eq!(answer(order, &cuts, x), expected, "{dtype} {test:?} {missing} {x}");
                }
            }
        }
    }

    #[test]
    fn places_become_numbers_again() {
        let order = Order(DType::F32);
        let place = |v: f64| order.last(v, false);
        let numbers = order.numbers(&[place(0.5), place(-2.5), place(0.0), place(f64::NEG_INFINITY) - 1]);
        let Data::F32(numbers) = numbers else { panic!() };
        assert_eq!(numbers[..3], [0.5, -2.5, 0.0]);
        assert!(numbers[3].is_nan());
        assert!(f64::from(0.1f32) > 0.1 && order.last(0.1, false) == place(f64::from(0.1f32)) - 1);
        assert_eq!(Order(DType::I8).last(3e9, false), 128);
        assert_eq!(Order(DType::I8).cuts(&Test::AtMost(127.5), false), (vec![], Goal::Answer(true)));
    }
}
