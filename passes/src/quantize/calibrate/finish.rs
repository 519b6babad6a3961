//! The last stages of a calibration: what takes away some of the noise that rounding makes.

use super::{Calibration, Draft, Quantised, WORTH};
use crate::quantize::adaptive;
use crate::quantize::search::{Search, State};

/// With so many times the loss, rounding is not tried: it would hardly catch up, and takes its time.
const FAR: f64 = 2.0;

/// Numbers for a plan, their loss, and how they came about.
struct Numbers {
    state: State,
    loss: f64,
    stages: Vec<(String, f64)>,
}

impl Calibration<'_> {
    /// The last stages: what takes away some of the noise that rounding makes.
    pub fn finish(&self, draft: Draft) -> Quantised {
        let search = self.search(&draft.plan, &draft.precisions);
        let mut begins = vec![Numbers { state: draft.state, loss: draft.loss, stages: draft.stages }];
        if draft.precisions != self.precisions {
            // Ranges that suited other precisions need not be the best for these.
            let (state, loss) = search.common_method(&self.truth);
            let wider = search.with_wide_outputs(&state, loss, &self.truth);
            let (state, loss) = wider.unwrap_or((state, loss));
            if loss < begins[0].loss * FAR {
                let mut stages = self.stages.clone();
                stages.push((format!("precisions of layers, with new ranges by {}", state.name()), loss));
                begins.push(Numbers { state, loss, stages });
            }
        }
        let ends = begins.into_iter().map(|begin| self.rounded(&search, begin));
        let least = ends.min_by(|a, b| a.loss.total_cmp(&b.loss)).expect("there is one");
        let Numbers { state, stages, .. } = least;
        let built = search.build(&state);
        let diagnostics = built.diagnostics.clone();
        let statistics = search.statistics;
        let State { methods, parameters } = state;
        Quantised {
            float: self.float.clone(),
            channels: self.channels.clone(),
            plan: draft.plan,
            precisions: draft.precisions,
            states: self.options.states.clone(),
            parameters,
            methods,
            statistics,
            built,
            stages,
            diagnostics,
        }
    }

    /// Weights rounded adaptively and biases corrected, each if that helps.
    fn rounded(&self, search: &Search<'_>, mut now: Numbers) -> Numbers {
        self.runner.stage("rounding weights");
        if let Some((state, loss)) = adaptive::better(search, &self.truth, self.fit, &now.state, now.loss) {
            now.stages.push(("weights rounded adaptively".into(), loss));
            now = Numbers { state, loss, ..now };
        }
        self.runner.stage("correcting biases");
        let state = search.with_corrected_biases(&now.state);
        let loss = self.truth.loss(self.runner, &search.build(&state));
        if loss < now.loss * WORTH {
            now.stages.push(("biases corrected".into(), loss));
            now = Numbers { state, loss, ..now };
        }
        now
    }
}
