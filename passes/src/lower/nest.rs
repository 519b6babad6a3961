//! Loops over the elements of some buffers at once, as few as their strides allow.

use super::layer::Layer;
use tinyc_ir::loops::Affine;

/// Dimensions, outermost first, and how far each buffer's position moves along each.
#[derive(Clone, Debug, PartialEq)]
pub struct Nest {
    dims: Vec<usize>,
    /// For each buffer, one stride per dimension.
    strides: Vec<Vec<i64>>,
}

impl Nest {
    /// The loops over `dims`. Dimensions of one step go, and neighbours that every buffer walks as one become one.
    pub fn new(dims: &[usize], strides: &[Vec<i64>]) -> Self {
        let mut nest = Self { dims: Vec::new(), strides: vec![Vec::new(); strides.len()] };
        for (i, &size) in dims.iter().enumerate().filter(|(_, size)| **size != 1) {
            let step = |buffer: usize| strides[buffer][i];
            let joins = (0..strides.len())
                .all(|b| nest.strides[b].last().is_some_and(|outer| *outer == step(b) * size as i64));
            match nest.dims.last_mut() {
                Some(last) if joins || strides.is_empty() => *last *= size,
                _ => {
                    nest.dims.push(size);
                    nest.strides.iter_mut().for_each(|s| s.push(0));
                }
            }
            for (b, own) in nest.strides.iter_mut().enumerate() {
                if let Some(last) = own.last_mut() {
                    *last = step(b);
                }
            }
        }
        nest
    }

    /// As [`new`](Self::new), for the strides that shapes have.
    pub fn of(dims: &[usize], strides: &[&[usize]]) -> Self {
        let strides: Vec<Vec<i64>> =
            strides.iter().map(|own| own.iter().map(|&s| s as i64).collect()).collect();
        Self::new(dims, &strides)
    }

    /// Whether two buffers always have the same position.
    pub fn same(&self, a: usize, b: usize) -> bool {
        self.strides[a] == self.strides[b]
    }

    /// Writes the loops, and in them the body, which gets each buffer's position.
    pub fn each(&self, layer: &mut Layer<'_>, name: &str, body: &mut dyn FnMut(&mut Layer<'_>, &[Affine])) {
        let names: Vec<String> = match self.dims.len() {
            1 => vec![name.to_string()],
            count => (0..count).map(|i| format!("{name}{i}")).collect(),
        };
        let dims: Vec<(&str, usize)> =
            names.iter().map(String::as_str).zip(self.dims.iter().copied()).collect();
        layer.nest(&dims, &mut |layer, at| {
            let position = |strides: &Vec<i64>| {
                at.iter().zip(strides).fold(Affine::constant(0), |sum, (i, &s)| sum.plus(&i.times(s)))
            };
            let positions: Vec<Affine> = self.strides.iter().map(position).collect();
            body(layer, &positions);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_walk_as_one_is_one_loop() {
        let flat = Nest::of(&[2, 3, 4], &[&[12, 4, 1], &[12, 4, 1]]);
        assert_eq!(flat, Nest { dims: vec![24], strides: vec![vec![1], vec![1]] });
        let broadcast = Nest::of(&[2, 1, 3, 4], &[&[12, 12, 4, 1], &[0, 0, 4, 1]]);
        assert_eq!(broadcast, Nest { dims: vec![2, 12], strides: vec![vec![12, 1], vec![0, 1]] });
        let turned = Nest::of(&[2, 3], &[&[3, 1], &[1, 2]]);
        assert_eq!(turned, Nest { dims: vec![2, 3], strides: vec![vec![3, 1], vec![1, 2]] });
        assert_eq!(Nest::of(&[1, 1], &[&[1, 1]]), Nest { dims: vec![], strides: vec![vec![]] });
        assert!(!broadcast.same(0, 1) && flat.same(0, 1));
    }
}
