//! Quadratic forms, and their factors.

/// A symmetric matrix: `Σ x·xᵀ`.
pub(super) struct Gram {
    /// Rows and columns.
    pub(super) side: usize,
    /// Row-major, both halves.
    pub(super) products: Vec<f64>,
}

impl Gram {
    /// The matrix of which the lower half is given.
    pub(super) fn of_lower(side: usize, mut products: Vec<f64>) -> Self {
        for i in 0..side {
            for j in 0..i {
                products[j * side + i] = products[i * side + j];
            }
        }
        Self { side, products }
    }

    pub(super) fn row(&self, at: usize) -> &[f64] {
        &self.products[at * self.side..(at + 1) * self.side]
    }

    pub(super) fn diagonal(&self, at: usize) -> f64 {
        self.products[at * self.side + at]
    }

    /// `G · v`.
    pub(super) fn times(&self, v: &[f64]) -> Vec<f64> {
        (0..self.side).map(|at| dot(self.row(at), v)).collect()
    }

    /// `vᵀ · G · v`.
    pub(super) fn form(&self, v: &[f64]) -> f64 {
        dot(&self.times(v), v)
    }
}

/// The factors of a positive definite [`Gram`] matrix in the order in which weights are rounded: with the errors `e` in that order,
/// `eᵀ·G·e = Σₜ dₜ · (eₜ + Σ_{s<t} Mₜₛ·eₛ)²`.
///
/// So each weight can make good what those before it did, as in GPTQ (Frantar et al., 2022: by a Cholesky decomposition of the
/// inverse) and LDLQ (Chee et al., QuIP, 2023: the same rounding by this one).
pub(super) struct Factors {
    /// The index of the weight that is rounded at each step: those of the strongest inputs first.
    pub(super) order: Vec<usize>,
    /// `d`, above zero.
    pub(super) weights: Vec<f64>,
    /// `M`: row `t` holds the `t` factors of the steps before.
    rows: Vec<f64>,
}

impl Factors {
    pub(super) fn of(gram: &Gram) -> Self {
        let side = gram.side;
        let mut order: Vec<usize> = (0..side).collect();
        // Stable, so equal ones keep their order.
        order.sort_by(|&a, &b| gram.diagonal(b).total_cmp(&gram.diagonal(a)));
        // L·D·Lᵀ of the matrix in the opposite order; `scaled` is L·D.
        let at = |i: usize, j: usize| gram.products[order[side - 1 - i] * side + order[side - 1 - j]];
        let mut lower = vec![0.0; side * side];
        let mut scaled = vec![0.0; side * side];
        let mut pivots = vec![0.0; side];
        for i in 0..side {
            for j in 0..i {
                let (row, other) = (&scaled[i * side..i * side + j], &lower[j * side..j * side + j]);
                let rest = at(i, j) - dot(row, other);
                scaled[i * side + j] = rest;
                lower[i * side + j] = rest / pivots[j];
            }
            let (row, other) = (&scaled[i * side..i * side + i], &lower[i * side..i * side + i]);
            // The diagonal was raised, so this is above zero but for the rounding of sums.
            pivots[i] = (at(i, i) - dot(row, other)).max(at(i, i) * 1e-9).max(f64::MIN_POSITIVE);
        }
        let mut rows = vec![0.0; side * side];
        for t in 0..side {
            for s in 0..t {
                rows[t * side + s] = lower[(side - 1 - s) * side + side - 1 - t];
            }
        }
        pivots.reverse();
        Self { order, weights: pivots, rows }
    }

    /// `Σ_{s<t} Mₜₛ·eₛ`, `errors` being those of the `t` steps before.
    pub(super) fn carried(&self, t: usize, errors: &[f64]) -> f64 {
        let side = self.order.len();
        dot(&self.rows[t * side..t * side + t], &errors[..t])
    }

    /// `G⁻¹ · v`.
    pub(super) fn solve(&self, v: &[f64]) -> Vec<f64> {
        let side = self.order.len();
        // G = Mᵀ·D·M in the order of the steps: Mᵀ·a = v from the last step to the first, then M·b = a / d.
        let mut a: Vec<f64> = self.order.iter().map(|&i| v[i]).collect();
        for t in (0..side).rev() {
            let own = a[t];
            let row = &self.rows[t * side..t * side + t];
            a[..t].iter_mut().zip(row).for_each(|(a, m)| *a -= m * own);
        }
        a.iter_mut().zip(&self.weights).for_each(|(a, d)| *a /= d);
        for t in 0..side {
            a[t] -= self.carried(t, &a[..t]);
        }
        let mut solution = vec![0.0; side];
        self.order.iter().zip(&a).for_each(|(&i, &x)| solution[i] = x);
        solution
    }
}

/// The sum of products in four parts, added in a fixed order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(a, b)| a * b).sum();
    let mut parts = [0.0; 4];
    for (a, b) in a4.zip(b4) {
        for lane in 0..4 {
            parts[lane] += a[lane] * b[lane];
        }
    }
    (parts[0] + parts[1]) + (parts[2] + parts[3]) + rest
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tinyc_ir::seeded::Seeded;

    /// Numbers around zero.
    pub(in super::super) fn numbers(stream: &mut Seeded, count: usize) -> Vec<f64> {
        (0..count).map(|_| f64::from(stream.unit()) - 0.5).collect()
    }

    /// The Gram matrix of some more rows than columns, whose columns are alike.
    pub(in super::super) fn random(stream: &mut Seeded, side: usize) -> Gram {
        let mut products = vec![0.0; side * side];
        for _ in 0..side + 3 {
            let common = numbers(stream, 1)[0] * 2.0;
            let row: Vec<f64> = numbers(stream, side).iter().map(|x| x + common).collect();
            for i in 0..side {
                (0..side).for_each(|j| products[i * side + j] += row[i] * row[j]);
            }
        }
        Gram { side, products }
    }

    #[test]
    fn factors_make_the_form_a_sum_of_squares_and_solve() {
        let mut stream = Seeded::new(5);
        for side in [1, 2, 5, 13, 40] {
            let gram = random(&mut stream, side);
            let factors = Factors::of(&gram);
            assert!(factors.order.windows(2).all(|w| gram.diagonal(w[0]) >= gram.diagonal(w[1])));
            let errors = numbers(&mut stream, side);
            let ordered: Vec<f64> = factors.order.iter().map(|&i| errors[i]).collect();
            let square = |t: usize| (ordered[t] + factors.carried(t, &ordered)).powi(2) * factors.weights[t];
            let (sum, form) = ((0..side).map(square).sum::<f64>(), gram.form(&errors));
            assert!((sum - form).abs() < 1e-9 * form.max(1.0), "{side}: {sum} {form}");
            let solved = factors.solve(&gram.times(&errors));
            assert!(solved.iter().zip(&errors).all(|(a, b)| (a - b).abs() < 1e-6), "{side}");
        }
    }
}
