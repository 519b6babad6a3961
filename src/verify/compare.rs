//! Bytes of the machine against tensors of the evaluator.

use super::code;
use super::report::{Mismatch, Side, Verification};
use super::trace::Piece;
use crate::pipeline::Compiled;
use crate::samples;
use crate::state::Sequence;
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::eval::Evaluation;
use tinyc_ir::loops::{Buffer, Program};
use tinyc_ir::{DType, Data, Def, Diagnostic, Diagnostics, Graph, Tensor, Value};

/// What the evaluator says about one sample.
pub(super) struct Expected {
    /// Its position among all samples.
    pub(super) sample: usize,
    /// Why there are none, if the compiled network must end the run with an error.
    failure: Option<Diagnostic>,
    /// The outputs of the reference graph that the user receives.
    outputs: Vec<Tensor>,
    /// Every tensor of the reference graph and of the optimised graph, for a traced sample.
    tensors: Option<(Evaluation, Evaluation)>,
}

impl Expected {
    /// Evaluates all samples, the first `traced` of them with the optimised graph too.
    pub(super) fn all(compiled: &Compiled, samples: &[Vec<Tensor>], traced: usize) -> Vec<Self> {
        let (graph, states) = (&compiled.model.reference, &compiled.model.states);
        let mut reference = Sequence::new(graph, states);
        let mut optimised = Sequence::new(&compiled.optimised, states);
        let one = |(sample, inputs): (usize, &Vec<Tensor>)| {
            let evaluation = reference.next(inputs);
            let failure = samples::failure(graph, &evaluation, sample);
            let outputs = states.outputs(graph, &evaluation);
            let tensors = (sample < traced).then(|| (evaluation, optimised.next(inputs)));
            Self { sample, failure, outputs, tensors }
        };
        samples.iter().enumerate().map(one).collect()
    }

    /// The first sample that the evaluator cannot answer, either.
    pub(super) fn failure(all: &[Self]) -> Option<Diagnostic> {
        all.iter().find_map(|expected| expected.failure.clone())
    }
}

/// The bytes of each output of each sample.
pub(super) fn split_outputs<'a>(
    program: &Program,
    bytes: &'a [u8],
    samples: usize,
) -> Result<Vec<Vec<&'a [u8]>>, Diagnostics> {
    let mut cursor = Cursor { rest: bytes };
    (0..samples)
        .map(|_| program.outputs.iter().map(|&b| cursor.take(program.buffers[b].bytes())).collect())
        .collect()
}

impl Verification {
    /// Outputs of all samples against the reference graph.
    pub(super) fn compare_outputs(
        &mut self,
        program: &Program,
        expected: &[Expected],
        outputs: &[Vec<&[u8]>],
    ) {
        for (Expected { sample, outputs: tensors, .. }, outputs) in expected.iter().zip(outputs) {
            let mut equal = true;
            for ((&buffer, tensor), bytes) in program.outputs.iter().zip(tensors).zip(outputs) {
                if let Some(difference) = Difference::find(tensor, bytes) {
                    equal = false;
                    let name = name(program, buffer);
                    self.found(difference.mismatch(
                        *sample,
                        name,
                        String::new(),
                        Side::Reference,
                        Side::Machine,
                    ));
                }
            }
            self.samples_equal += usize::from(equal);
        }
        self.outputs_equal = self.samples_equal == self.samples;
    }

    /// Every tensor that a layer wrote against the optimised graph, and that against the reference graph. The first
    /// difference found here tells more than one in the outputs, and replaces it.
    pub(super) fn compare_tensors(
        &mut self,
        compiled: &Compiled,
        pieces: &[Vec<Piece>],
        expected: &[Expected],
        bytes: &[u8],
    ) -> Result<(), Diagnostics> {
        let outputs = self.mismatch.take();
        let optimised = by_name(&compiled.optimised);
        let mut compared = BTreeSet::new();
        let mut cursor = Cursor { rest: bytes };
        for Expected { sample, tensors, .. } in expected {
            let Some((reference, evaluated)) = tensors else { continue };
            self.compare_graphs(compiled, *sample, reference, evaluated);
            for (call, pieces) in compiled.program.calls.iter().zip(pieces) {
                for piece in pieces {
                    let bytes = cursor.take(compiled.program.buffers[piece.buffer].bytes())?;
                    let Some(&value) = optimised.get(piece.tensor.as_str()) else { continue };
                    compared.insert(piece.tensor.as_str());
                    if let Some(difference) = Difference::find(evaluated.tensor(value), bytes) {
                        let layer = match call.origin.name.as_str() {
                            "" => compiled.program.kernels[call.kernel].name.clone(),
                            name => name.to_string(),
                        };
                        let tensor = piece.tensor.clone();
                        self.found(difference.mismatch(
                            *sample,
                            tensor,
                            layer,
                            Side::Optimised,
                            Side::Machine,
                        ));
                    }
                }
            }
        }
        if let Some(outputs) = outputs {
            self.found(outputs);
        }
        self.tensors_compared = compared.len();
        self.tensors_traced_samples = expected.len();
        for data in compiled.model.reference.values.values() {
            if !matches!(data.def, Def::Node(..)) || compared.contains(data.name.as_str()) {
                continue;
            }
            if compared.contains(format!("{}/live", data.name).as_str()) {
                self.tensors_narrowed.push(data.name.clone());
            } else {
                self.tensors_removed.push(data.name.clone());
            }
        }
        Ok(())
    }

    /// Tensors that both graphs have must be equal: optimisation is exact.
    fn compare_graphs(
        &mut self,
        compiled: &Compiled,
        sample: usize,
        reference: &Evaluation,
        evaluated: &Evaluation,
    ) {
        let optimised = by_name(&compiled.optimised);
        for (value, data) in compiled.model.reference.values.iter() {
            let (Def::Node(node, _), Some(&other)) = (&data.def, optimised.get(data.name.as_str())) else {
                continue;
            };
            let bytes = evaluated.tensor(other).data.to_le_bytes();
            if let Some(difference) = Difference::find(reference.tensor(value), &bytes) {
                let layer = compiled.model.reference.nodes[*node].origin.name.clone();
                let name = data.name.clone();
                self.found(difference.mismatch(sample, name, layer, Side::Reference, Side::Optimised));
            }
        }
    }

    /// Keeps the first.
    fn found(&mut self, mismatch: Mismatch) {
        self.mismatch.get_or_insert(mismatch);
    }
}

fn by_name(graph: &Graph) -> BTreeMap<&str, Value> {
    graph.values.iter().map(|(value, data)| (data.name.as_str(), value)).collect()
}

fn name(program: &Program, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    data.tensor.clone().unwrap_or_else(|| data.name.clone())
}

/// Reads what a firmware wrote.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Diagnostics> {
        let (head, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or_else(|| Diagnostic::error(code::STOPPED, "the firmware wrote less than it computes"))?;
        self.rest = rest;
        Ok(head)
    }
}

/// The first of the elements that differ, and their number.
struct Difference {
    index: usize,
    coordinates: Vec<usize>,
    count: usize,
    expected: String,
    got: String,
}

impl Difference {
    fn find(expected: &Tensor, bytes: &[u8]) -> Option<Self> {
        let want = expected.data.to_le_bytes();
        if want == bytes {
            return None;
        }
        let dtype = expected.dtype();
        let size = dtype.size();
        let same = |(a, b): (&[u8], &[u8])| a == b || (is_nan(dtype, a) && is_nan(dtype, b));
        let got =
            Data::from_le_bytes(dtype, expected.data.len(), bytes).expect("the bytes of the tensor's buffer");
        // Elements that share bytes are compared one by one.
        let (want, bytes) = (single_bytes(&expected.data), single_bytes(&got));
        let pairs = || want.chunks_exact(size).zip(bytes.chunks_exact(size));
        let index = pairs().position(|pair| !same(pair))?;
        let mut coordinates: Vec<usize> = Vec::new();
        let mut rest = index;
        for &dim in expected.shape.iter().rev() {
            coordinates.push(rest % dim);
            rest /= dim;
        }
        coordinates.reverse();
        let show = |bytes: &[u8]| {
            let at = index * size..(index + 1) * size;
            Data::from_le_bytes(dtype, 1, &bytes[at]).map_or_else(String::new, |data| element(&data))
        };
        Some(Self {
            index,
            coordinates,
            count: pairs().filter(|&pair| !same(pair)).count(),
            expected: show(&want),
            got: show(&bytes),
        })
    }

    fn mismatch(
        self,
        sample: usize,
        tensor: String,
        layer: String,
        expected_by: Side,
        got_by: Side,
    ) -> Mismatch {
        Mismatch {
            sample,
            tensor,
            layer,
            index: self.index,
            coordinates: self.coordinates,
            different_elements: self.count,
            expected: self.expected,
            got: self.got,
            expected_by,
            got_by,
        }
    }
}

/// Little-endian bytes, with bytes of its own for each element.
fn single_bytes(data: &Data) -> Vec<u8> {
    if data.dtype().is_packed() {
        (0..data.len()).map(|i| data.bits(i) as u8).collect()
    } else {
        data.to_le_bytes()
    }
}

/// A NaN has many bit patterns and no order among them: one is as good as another.
fn is_nan(dtype: DType, bytes: &[u8]) -> bool {
    match Data::from_le_bytes(dtype, 1, bytes) {
        Some(Data::F32(v)) => v[0].is_nan(),
        Some(Data::F64(v)) => v[0].is_nan(),
        Some(half) if dtype.is_half() => half.to_reals()[0].is_nan(),
        _ => false,
    }
}

/// One element for a person: floats with their bits, because decimals can look equal.
fn element(data: &Data) -> String {
    match data {
        Data::F32(v) => format!("{:?} (bits {:#010x})", v[0], v[0].to_bits()),
        Data::F64(v) => format!("{:?} (bits {:#018x})", v[0], v[0].to_bits()),
        Data::F16(v) | Data::BF16(v) => format!("{:?} (bits {:#06x})", data.to_reals()[0], v[0]),
        other => other.to_ints().map_or_else(String::new, |v| v[0].to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_of_two_and_its_place() {
        let tensor = Tensor::new([1, 2, 3], Data::I8(vec![1, 2, 3, 4, -5, 6]));
        let found = Difference::find(&tensor, &[1, 2, 3, 4, 5, 7]).expect("two elements differ");
        assert_eq!((found.index, found.coordinates.as_slice(), found.count), (4, &[0, 1, 1][..], 2));
        assert_eq!((found.expected.as_str(), found.got.as_str()), ("-5", "5"));
        assert!(Difference::find(&tensor, &[1, 2, 3, 4, 251, 6]).is_none());
    }

    #[test]
    fn any_nan_is_nan_but_zeros_have_a_sign() {
        let nan = |bits: u32| f32::from_bits(bits);
        let tensor = Tensor::f32([2], vec![nan(0x7fc0_0000), 0.0]);
        let bytes = |a: u32, b: u32| [a.to_le_bytes(), b.to_le_bytes()].concat();
        assert!(Difference::find(&tensor, &bytes(0xffc0_0001, 0)).is_none());
        let found = Difference::find(&tensor, &bytes(0x7fc0_0000, 0x8000_0000)).expect("-0.0 is not 0.0");
        assert_eq!(found.got, "-0.0 (bits 0x80000000)");
    }
}
