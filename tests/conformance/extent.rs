//! Outputs whose size depends on data: a graph gives them in their greatest size, and a count as an output behind the model's own.

use tinyc_ir::{Shape, Tensor};

/// For each of the model's `own` outputs, which output is its count: the ones behind them, by their names.
pub(crate) fn counts(names: &[&str], own: usize) -> Result<Vec<Option<usize>>, String> {
    let Some((outputs, counts)) = names.split_at_checked(own) else {
        return Err(format!("{} outputs of {own}", names.len()));
    };
    let count = |name: &&str| counts.iter().position(|&c| c == format!("{name}_count")).map(|i| own + i);
    let found: Vec<Option<usize>> = outputs.iter().map(count).collect();
    if found.iter().flatten().count() != counts.len() {
        return Err(format!("some of {counts:?} count no output"));
    }
    Ok(found)
}

/// The entries of a tensor that its count means. The axis is the one along which the expected tensor has another size; its
/// size there must be the count.
pub(crate) fn meant(got: &Tensor, count: &Tensor, want: &Tensor) -> Result<Tensor, String> {
    let (from, to) = (got.shape.dims(), want.shape.dims());
    let count = usize::try_from(count.data.int(0)).map_err(|_| "a negative count".to_owned())?;
    if from.len() != to.len() || from.iter().zip(to).filter(|(a, b)| a != b).count() > 1 {
        return Err(format!("{} in place of {}", got.shape, want.shape));
    }
    let Some(axis) = (0..to.len()).find(|&axis| from[axis] != to[axis]) else {
        // All of it is expected; along which axis it is counted does not matter.
        let fits = from.contains(&count);
        return if fits { Ok(got.clone()) } else { Err(format!("the count is {count}, of {}", got.shape)) };
    };
    if count != to[axis] || count > from[axis] {
        return Err(format!("the count is {count}, of {} where {} is expected", got.shape, want.shape));
    }
    let strides = Shape::new(from.to_vec()).strides();
    let place = |i: usize| want.shape.unravel(i).iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>();
    let places: Vec<usize> = (0..want.shape.elements()).map(place).collect();
    Ok(Tensor::new(want.shape.clone(), got.data.gather(&places)))
}

#[test]
fn only_the_meant_entries_are_compared() {
    let padded = Tensor::f32([2, 3], vec![1.0, 2.0, 0.0, 3.0, 4.0, 0.0]);
    let want = Tensor::f32([2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    let count = |n: i32| Tensor::new([1], tinyc_ir::Data::I32(vec![n]));
    assert!(meant(&padded, &count(2), &want).is_ok_and(|t| t.same_bits(&want)));
    assert!(meant(&padded, &count(1), &want).is_err());
    assert!(meant(&padded, &count(3), &padded).is_ok());
    assert!(meant(&padded, &count(1), &padded).is_err());
    assert!(meant(&padded, &count(2), &Tensor::f32([1, 2], vec![1.0, 2.0])).is_err());
    assert_eq!(counts(&["a", "b", "b_count"], 2), Ok(vec![None, Some(2)]));
    assert!(counts(&["a", "b"], 1).is_err() && counts(&["a"], 2).is_err());
}
