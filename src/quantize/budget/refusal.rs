//! Why no choice of precisions will do, and the smallest changes with which one would. Each change is tried before it is offered.

use super::Task;
use super::limits::{Bound, Kind};
use super::search::{Aim, Search};
use crate::quantize::code;
use tinyc_ir::{Diagnostic, Diagnostics};

/// Times that a looser limit on accuracy is tried.
const LOOSENED: usize = 6;

/// There is no mixture within the limits.
pub(super) fn no_choice(search: &mut Search<'_>, task: &Task<'_>) -> Result<Diagnostic, Diagnostics> {
    let mut ways = Vec::new();
    for at in 0..task.bounds.len() {
        ways.extend(loosened(search, task, at)?);
    }
    let rates = &task.rates;
    let needs = |bound: &Bound, value: f64| {
        format!(
            "{}: {} needed, {} allowed",
            bound.kind,
            rates.spelled(bound.kind, value),
            rates.spelled(bound.kind, bound.most)
        )
    };
    if let Some((bound, value, _)) = ways.first() {
        let mut problem = Diagnostic::error(code::BUDGET, needs(bound, *value));
        if let [one] = task.bounds.as_slice() {
            problem = problem.note(match one.kind {
                Kind::Drop => "that is the least that is lost with any precisions of the layers",
                _ => "that is the least of any precisions of the layers",
            });
        } else {
            problem = problem.note("with the other limits kept; no precisions of the layers need less");
        }
        for (bound, value, _) in &ways[1..] {
            problem = problem.note(format!("or {}, with the others kept", needs(bound, *value)));
        }
        let options: Vec<String> = ways.iter().map(|(.., option)| format!("`{option}`")).collect();
        return Ok(problem.help(format!("fits with {}", options.join(", or "))));
    }
    together(search, task)
}

/// The least that one limit must allow while the others are kept, and the option for it; `None` if others are in the way.
fn loosened(
    search: &mut Search<'_>,
    task: &Task<'_>,
    at: usize,
) -> Result<Option<(Bound, f64, String)>, Diagnostics> {
    let bound = task.bounds[at];
    let others: Vec<Bound> = task.bounds.iter().filter(|other| other.kind != bound.kind).copied().collect();
    let aim = match bound.kind {
        Kind::Drop => Aim::Loss,
        kind => Aim::Cost(kind),
    };
    if search.within(aim, &others)?.is_none() {
        return Ok(None);
    }
    // What was measured on the way counts as well.
    let least = |search: &Search<'_>| {
        let fitting = search.points.values().filter(|point| others.iter().all(|other| point.keeps(other)));
        fitting.filter_map(|point| point.value(bound.kind)).min_by(f64::total_cmp)
    };
    let Some(mut value) = least(search) else { return Ok(None) };
    for _ in 0..LOOSENED {
        let (option, most) = task.rates.option(bound.kind, value);
        let mut bounds = task.bounds.clone();
        bounds[at].most = most;
        if task.possible(search, &bounds)? {
            return Ok(Some((bound, value, option)));
        }
        // The samples that were kept for the measurement say something else.
        let Some(found) = search.within(task.aim, &bounds)? else { return Ok(None) };
        let quantised = search.finished(&found.choice);
        let measured = task.evaluated(search, &quantised);
        if bound.kind != Kind::Drop || measured <= value {
            return Ok(None);
        }
        value = measured;
    }
    Ok(None)
}

/// No limit is in the way alone: the change of all together that is least in sum.
fn together(search: &mut Search<'_>, task: &Task<'_>) -> Result<Diagnostic, Diagnostics> {
    let mut notes = Vec::new();
    for bound in &task.bounds {
        let aim = if bound.kind == Kind::Drop { Aim::Loss } else { Aim::Cost(bound.kind) };
        search.fit(aim, &[], None, 2)?;
        let least = search.points.values().filter_map(|point| point.value(bound.kind)).min_by(f64::total_cmp);
        if let Some(least) = least.filter(|least| *least > bound.most) {
            notes.push(format!(
                "{}: at least {} whatever the others are, {} allowed",
                bound.kind,
                task.rates.spelled(bound.kind, least),
                task.rates.spelled(bound.kind, bound.most)
            ));
        }
    }
    let nearest = search.nearest(&task.bounds);
    let mut problem = Diagnostic::error(code::BUDGET, "no precisions of the layers keep all limits");
    for note in notes {
        problem = problem.note(note);
    }
    let Some(nearest) = nearest else { return Ok(problem) };
    let quantised = search.finished(&nearest.choice);
    let mut bounds = task.bounds.clone();
    let mut options = Vec::new();
    for bound in &mut bounds {
        let mut value = nearest.value(bound.kind).unwrap_or_default();
        if bound.kind == Kind::Drop {
            // Both are looked at, so the greater one counts.
            value = task.evaluated(search, &quantised).max(value);
        }
        if value > bound.most {
            let (option, most) = task.rates.option(bound.kind, value);
            bound.most = most;
            options.push(option);
        }
    }
    if task.possible(search, &bounds)? {
        problem = problem.help(format!("fits with `{}`", options.join(" ")));
    }
    Ok(problem)
}

/// What was chosen loses more on the samples that had no part in the choice.
pub(super) fn drops_more(
    search: &mut Search<'_>,
    task: &Task<'_>,
    measured: f64,
) -> Result<Diagnostic, Diagnostics> {
    let spelled = |value: f64| task.rates.spelled(Kind::Drop, value);
    let at = task.bounds.iter().position(|bound| bound.kind == Kind::Drop).unwrap_or_default();
    let mut problem = Diagnostic::error(
        code::DROPS,
        format!("accuracy drop: {} measured, {} allowed", spelled(measured), spelled(task.bounds[at].most)),
    )
    .note("on the samples for choices it was within the limit; those for the measurement had no part in the choice");
    let mut value = measured;
    for _ in 0..LOOSENED {
        let (option, most) = task.rates.option(Kind::Drop, value);
        let mut bounds = task.bounds.clone();
        bounds[at].most = most;
        if task.possible(search, &bounds)? {
            problem = problem
                .help(format!("fits with `{option}`; more samples for choices show small drops better"));
            break;
        }
        let Some(found) = search.within(task.aim, &bounds)? else { break };
        let quantised = search.finished(&found.choice);
        value = task.evaluated(search, &quantised).max(value);
    }
    Ok(problem)
}
