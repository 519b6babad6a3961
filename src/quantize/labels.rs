//! The right answers of samples: classes, or wanted outputs.

use super::code;
use super::measure::Metric;
use crate::npz::Array;
use crate::wording::counted;
use tinyc_ir::Diagnostic;

/// The right answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// The class of each sample.
    Classes(Vec<i64>),
    /// The first output of each sample, in real numbers.
    Targets(Vec<Vec<f32>>),
}

impl Labels {
    /// Reads an array with an entry for each of `count` samples of a model whose first output has `elements` elements: one whole number
    /// is a class, `elements` numbers are what should come out.
    pub(super) fn read(array: &Array, count: usize, elements: usize) -> Result<Self, Diagnostic> {
        let found = array.shape.first().copied().unwrap_or(1);
        if found != count {
            let message = format!("{} do not go with {}", counted(found, "label"), counted(count, "sample"));
            return Err(Diagnostic::error(code::DATA, message));
        }
        let each = array.data.len() / count.max(1);
        let reals = array.data.to_reals();
        let whole =
            || reals.iter().map(|&x| (x.fract() == 0.0).then_some(x as i64)).collect::<Option<Vec<i64>>>();
        if each == 1 && (elements > 1 || array.data.to_ints().is_some()) {
            return whole().map(Self::Classes).ok_or_else(|| {
                Diagnostic::error(code::DATA, "labels are no classes: they are not whole numbers")
                    .help(format!("a class for each sample, or the {elements} numbers that should come out"))
            });
        }
        if each != elements {
            let message =
                format!("labels have {each} numbers for each sample, and the first output has {elements}");
            return Err(Diagnostic::error(code::DATA, message)
                .help("a class for each sample, or as many numbers as should come out"));
        }
        let reals: Vec<f32> = reals.into_iter().map(|x| x as f32).collect();
        Ok(Self::Targets(reals.chunks(each.max(1)).map(<[f32]>::to_vec).collect()))
    }

    /// Those of some samples.
    pub fn of(&self, chosen: &[usize]) -> Self {
        match self {
            Self::Classes(all) => Self::Classes(chosen.iter().map(|&i| all[i]).collect()),
            Self::Targets(all) => Self::Targets(chosen.iter().map(|&i| all[i].clone()).collect()),
        }
    }

    /// Refuses a metric that these labels say nothing about.
    pub(super) fn go_with(&self, metric: Metric, elements: usize) -> Result<(), Diagnostic> {
        let (what, help) = match (self, metric) {
            (Self::Classes(_), Metric::Mse | Metric::Mae) if elements > 1 => {
                ("classes", "give the wanted outputs as labels, or take --metric top1")
            }
            (Self::Targets(_), Metric::Top1) => {
                ("wanted outputs", "give classes as labels, or take --metric mse")
            }
            _ => return Ok(()),
        };
        Err(Diagnostic::error(code::DATA, format!("{metric} cannot be measured: the labels are {what}"))
            .help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::Data;

    fn read(shape: &[usize], data: Data, elements: usize) -> Result<Labels, String> {
        let array = Array { shape: shape.to_vec(), data };
        Labels::read(&array, 2, elements).map_err(|refusal| refusal.message)
    }

    #[test]
    fn classes_are_whole_numbers_of_any_type() {
        let classes = Ok(Labels::Classes(vec![3, 7]));
        assert_eq!(read(&[2], Data::I64(vec![3, 7]), 10), classes);
        assert_eq!(read(&[2, 1], Data::F32(vec![3.0, 7.0]), 10), classes);
        assert!(read(&[2], Data::F32(vec![3.0, 7.7]), 10).unwrap_err().contains("whole"));
        assert!(read(&[3], Data::I64(vec![1, 2, 3]), 10).unwrap_err().contains("3 labels"));
    }

    #[test]
    fn wanted_outputs_are_as_many_as_come_out() {
        let targets = Ok(Labels::Targets(vec![vec![0.5, 1.0], vec![2.0, 3.0]]));
        assert_eq!(read(&[2, 2], Data::F32(vec![0.5, 1.0, 2.0, 3.0]), 2), targets);
        assert_eq!(read(&[2], Data::F32(vec![0.5, 2.0]), 1), Ok(Labels::Targets(vec![vec![0.5], vec![2.0]])));
        assert!(read(&[2, 3], Data::F32(vec![0.0; 6]), 10).unwrap_err().contains("3 numbers"));
        assert!(read(&[2, 0], Data::F32(vec![]), 10).unwrap_err().contains("0 numbers"));
    }

    #[test]
    fn metrics_that_mean_nothing_are_refused() {
        let (classes, targets) = (Labels::Classes(vec![1]), Labels::Targets(vec![vec![1.0, 2.0]]));
        assert!(classes.go_with(Metric::Mae, 10).is_err() && targets.go_with(Metric::Top1, 2).is_err());
        assert!(classes.go_with(Metric::Top1, 10).is_ok() && targets.go_with(Metric::Mse, 2).is_ok());
        assert!(classes.go_with(Metric::Sqnr, 10).is_ok() && classes.go_with(Metric::Mse, 1).is_ok());
    }
}
