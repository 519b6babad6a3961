//! The choice of one candidate for each unit, at the least cost within limits: an integer linear program.

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};

/// One limit: the sum of what the chosen candidates add must not be more than `most`.
pub(super) struct Row {
    /// For each unit, what each of its candidates adds.
    pub(super) adds: Vec<Vec<f64>>,
    /// The limit; with `peak`, above it by the peak.
    pub(super) most: f64,
    /// Whether the limit is not fixed but the peak, which is to be as small as can be.
    pub(super) peak: bool,
}

/// Nodes of the search; what is found by then is nearly always the best.
const NODES: u64 = 3000;

/// Coefficients below this part of the largest one of their row count as nothing: the solver keeps its precision, and what is
/// chosen is measured anyway.
const NEGLIGIBLE: f64 = 1e-6;

/// The position of the chosen candidate of each unit: the least sum of `costs`, then the least peak. `None` if the rows exclude
/// each other, or nothing is found.
pub(super) fn choose(costs: &[Vec<f64>], rows: &[Row]) -> Option<Vec<usize>> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let unit = greatest(costs);
    let vars: Vec<Vec<Variable>> = costs
        .iter()
        .map(|own| own.iter().map(|&cost| problem.add_binary_var(scaled(cost, unit))).collect())
        .collect();
    for own in &vars {
        let one: Vec<(Variable, f64)> = own.iter().map(|&var| (var, 1.0)).collect();
        problem.add_constraint(one, ComparisonOp::Eq, 1.0);
    }
    let peak_unit = rows.iter().filter(|row| row.peak).map(|row| row.most.abs()).fold(0.0, f64::max);
    let peak = (peak_unit > 0.0).then(|| problem.add_var(1.0, (f64::NEG_INFINITY, f64::INFINITY)));
    for row in rows {
        let largest = greatest(&row.adds);
        let unit = if row.peak { peak_unit } else { largest };
        let mut sum: Vec<(Variable, f64)> = vars
            .iter()
            .flatten()
            .zip(row.adds.iter().flatten())
            .map(|(&var, &adds)| (var, scaled(adds, unit)))
            .filter(|(_, adds)| *adds != 0.0)
            .collect();
        match peak.filter(|_| row.peak) {
            Some(peak) => sum.push((peak, -1.0)),
            // Nothing can be chosen about it.
            None if sum.is_empty() => {
                if row.most < 0.0 {
                    return None;
                }
                continue;
            }
            None => {}
        }
        problem.add_constraint(sum, ComparisonOp::Le, row.most / unit);
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(NODES);
    let solution = problem.solve_with(options).ok()?.into_solution().ok()?;
    let chosen = |own: &Vec<Variable>| -> usize {
        let value = |at: &usize| solution.var_value(own[*at]);
        (0..own.len()).max_by(|a, b| value(a).total_cmp(&value(b))).unwrap_or_default()
    };
    Some(vars.iter().map(chosen).collect())
}

/// The greatest magnitude; 1 if there is nothing above 0.
fn greatest(numbers: &[Vec<f64>]) -> f64 {
    let most = numbers.iter().flatten().fold(0.0f64, |most, x| most.max(x.abs()));
    if most > 0.0 { most } else { 1.0 }
}

fn scaled(number: f64, unit: f64) -> f64 {
    let part = number / unit;
    if part.abs() < NEGLIGIBLE { 0.0 } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::seeded::Seeded;

    /// Three candidates for each of six units, and two limits.
    fn random(stream: &mut Seeded) -> (Vec<Vec<f64>>, Vec<Row>) {
        let mut numbers = |least: i64, most: i64| -> Vec<Vec<f64>> {
            (0..6).map(|_| (0..3).map(|_| stream.range(least, most) as f64).collect()).collect()
        };
        let costs = numbers(-50, 100);
        let rows = [numbers(-100, 300), numbers(0, 1000)];
        let most = [stream.range(-200, 900) as f64, stream.range(500, 4000) as f64];
        let rows = rows.into_iter().zip(most).map(|(adds, most)| Row { adds, most, peak: false });
        (costs, rows.collect())
    }

    fn sum(of: &[Vec<f64>], choice: &[usize]) -> f64 {
        of.iter().zip(choice).map(|(own, &at)| own[at]).sum()
    }

    #[test]
    fn no_other_choice_within_the_limits_is_cheaper() {
        let mut stream = Seeded::new(5);
        let mut infeasible = 0;
        for _ in 0..60 {
            let (costs, rows) = random(&mut stream);
            let all = (0..729usize).map(|n| (0..6).map(|u| n / 3usize.pow(u) % 3).collect::<Vec<_>>());
            let fits = |choice: &Vec<usize>| rows.iter().all(|row| sum(&row.adds, choice) <= row.most);
            let best = all.filter(fits).map(|choice| sum(&costs, &choice)).min_by(f64::total_cmp);
            let found = choose(&costs, &rows);
            assert!(found.as_ref().is_none_or(fits));
            assert_eq!(found.map(|choice| sum(&costs, &choice)), best);
            infeasible += usize::from(best.is_none());
        }
        assert!((1..59).contains(&infeasible), "{infeasible}");
    }

    #[test]
    fn the_least_peak_of_several_steps() {
        let mut stream = Seeded::new(9);
        for _ in 0..20 {
            let (costs, mut rows) = random(&mut stream);
            rows.iter_mut().for_each(|row| (row.peak, row.most) = (true, -row.most.abs()));
            let none = vec![vec![0.0; 3]; costs.len()];
            let peak = |choice: &Vec<usize>| {
                rows.iter().map(|row| sum(&row.adds, choice) - row.most).fold(f64::MIN, f64::max)
            };
            let all = (0..729usize).map(|n| (0..6).map(|u| n / 3usize.pow(u) % 3).collect::<Vec<_>>());
            let best = all.map(|choice| peak(&choice)).min_by(f64::total_cmp).unwrap();
            assert_eq!(peak(&choose(&none, &rows).unwrap()), best);
        }
    }
}
