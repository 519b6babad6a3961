//! Which operands the operators' specifications call parameters: what a model for a microcontroller has as constants.
//!
//! The node tests feed everything as graph inputs, even shapes and axes. Operands named here are bound to the test's
//! numbers before the import; all others are supplied at run time. What counts as a parameter: operands that decide the
//! shape of a result or the structure of the computation, what quantisation says of a tensor, and trained weights of
//! operators whose specification calls them weights or statistics. Two data operands of one operator (MatMul, Gemm, Add,
//! PRelu, scale and bias of normalisations over the last axes, indices of Gather) both stay inputs.

/// Operator and positions of its operands that are parameters.
#[rustfmt::skip]
const PARAMETERS: &[(&str, &[usize])] = &[
    // What decides the shape of the result.
    ("AffineGrid", &[1]),                      // size
    ("BlackmanWindow", &[0]),                  // size
    ("CenterCropPad", &[1]),                   // shape
    ("Col2Im", &[1, 2]),                       // image shape, block shape
    ("Compress", &[1]),                        // condition: how many elements remain
    ("ConstantOfShape", &[0]),                 // shape
    ("DFT", &[1, 2]),                          // length, axis
    ("Expand", &[1]),                          // shape
    ("HammingWindow", &[0]),                   // size
    ("HannWindow", &[0]),                      // size
    ("Loop", &[0, 1]),                         // trip count, first condition: how many rows are stacked
    ("MaxUnpool", &[2]),                       // output shape
    ("MelWeightMatrix", &[0, 1, 2, 3, 4]),     // sizes and frequencies of the matrix
    ("NonMaxSuppression", &[2, 3, 4]),         // greatest number of boxes, thresholds
    ("OneHot", &[1]),                          // depth
    ("Pad", &[1, 2, 3]),                       // pads, value, axes
    ("Range", &[0, 1, 2]),                     // start, limit, delta
    ("Reshape", &[1]),                         // shape
    ("Resize", &[1, 2, 3]),                    // region, scales, sizes
    ("STFT", &[1, 2, 3]),                      // step, window, length
    ("Slice", &[1, 2, 3, 4]),                  // starts, ends, axes, steps
    ("Split", &[1]),                           // sizes
    ("Tile", &[1]),                            // repeats
    ("TopK", &[1]),                            // k
    ("Upsample", &[1]),                        // scales
    // Axes.
    ("CumProd", &[1]),
    ("CumSum", &[1]),
    ("ReduceL1", &[1]),
    ("ReduceL2", &[1]),
    ("ReduceLogSum", &[1]),
    ("ReduceLogSumExp", &[1]),
    ("ReduceMax", &[1]),
    ("ReduceMean", &[1]),
    ("ReduceMin", &[1]),
    ("ReduceProd", &[1]),
    ("ReduceSum", &[1]),
    ("ReduceSumSquare", &[1]),
    ("Squeeze", &[1]),
    ("Unsqueeze", &[1]),
    // Structure: diagonals, lengths of sequences, trip counts, which branch, whether this is training.
    ("Dropout", &[1, 2]),                      // ratio, training mode
    ("If", &[0]),                              // condition
    ("Loop", &[0, 1]),                         // trip count, condition
    ("ReverseSequence", &[1]),                 // lengths
    ("Trilu", &[1]),                           // diagonal
    // Bounds.
    ("Clip", &[1, 2]),
    // Quantisation: scales and zero points.
    ("ConvInteger", &[1, 2, 3]),               // with the weights
    ("DequantizeLinear", &[1, 2]),
    ("MatMulInteger", &[2, 3]),
    ("QLinearConv", &[1, 2, 3, 4, 5, 6, 7, 8]), // with weights and bias
    ("QLinearMatMul", &[1, 2, 4, 5, 6, 7]),
    ("QuantizeLinear", &[1, 2]),
    // Trained weights and tables.
    ("BatchNormalization", &[1, 2, 3, 4]),     // scale, bias, mean, variance
    ("CausalConvWithState", &[1, 2]),          // weights, bias
    ("Conv", &[1, 2]),
    ("ConvTranspose", &[1, 2]),
    ("DeformConv", &[1, 3]),                   // weights, bias; offsets and mask are data
    ("GRU", &[1, 2, 3, 4]),                    // weights, recurrence, bias, lengths; the initial state is data
    ("GroupNormalization", &[1, 2]),           // scale, bias
    ("InstanceNormalization", &[1, 2]),        // scale, bias
    ("LSTM", &[1, 2, 3, 4, 7]),                // weights, recurrence, bias, lengths, peepholes
    ("RNN", &[1, 2, 3, 4]),
    ("RotaryEmbedding", &[1, 2]),              // tables of cosines and sines
];

/// Whether the operand is a parameter.
pub(crate) fn is_parameter(operator: &str, position: usize) -> bool {
    PARAMETERS.iter().any(|(name, positions)| *name == operator && positions.contains(&position))
}
