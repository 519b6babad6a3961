//! The importers, one file for each operator or small family, and the table that names them all.

mod activation;
mod affine_grid;
mod arithmetic;
mod attention;
mod average_pool;
mod batch_norm;
mod causal_conv;
mod col2im;
mod control;
mod conv;
mod conv_transpose;
mod deform_conv;
mod determinant;
mod einsum;
mod elementwise;
mod equation;
mod fourier;
mod fused;
mod gather;
mod gemm;
mod grid_sample;
mod identity;
mod integer;
mod linear_attention;
mod matmul;
mod max_pool;
mod mel;
mod ml;
mod normalization;
mod pad;
mod qlinear;
mod quantize;
mod recurrent;
mod reduce_mean;
mod reduction;
mod regions;
mod reshape;
mod resize;
mod rotary;
mod runtime_attention;
mod scan;
mod selection;
mod shape;
mod slice;
mod softmax;
mod suppression;
mod taper;
mod tensor_scatter;
mod transpose;
mod unary;
mod unique;
mod visibility;
mod windows;

pub(super) use reduction::axes as reduced_axes;

use super::code;
use super::context::{Context, Step};
use tinyc_ir::Diagnostic;

/// An operator that can be imported.
pub struct OpInfo {
    /// The operator's domain; empty for the standard one.
    pub domain: &'static str,
    /// The operator's name.
    pub name: &'static str,
    /// The oldest version of the domain's operator set in which it is understood.
    pub since: i64,
    /// Element types of the data operands, spelled as in the text form.
    pub types: &'static str,
    /// What is left out; empty if nothing is.
    pub limits: &'static str,
    pub(super) import: fn(&mut Context<'_, '_>) -> Step<()>,
}

/// One row per operator: `domain, name, since, types, limits => importer`.
macro_rules! table {
    ($($domain:literal $name:literal $since:literal $types:literal $limits:literal => $import:path,)+) => {
        &[$(OpInfo { domain: $domain, name: $name, since: $since, types: $types, limits: $limits, import: $import },)+]
    };
}

/// Every operator, sorted by domain and name.
pub(super) static TABLE: &[OpInfo] = table! {
    "" "Abs" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => unary::unary,
    "" "Acos" 1 "f32" "" => unary::unary,
    "" "Acosh" 1 "f32" "" => unary::unary,
    "" "Add" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => elementwise::add,
    "" "AffineGrid" 20 "f32 f64" "constant size" => affine_grid::affine_grid,
    "" "And" 7 "bool" "" => arithmetic::logic,
    "" "ArgMax" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => reduction::arg,
    "" "ArgMin" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => reduction::arg,
    "" "Asin" 1 "f32" "" => unary::unary,
    "" "Asinh" 1 "f32" "" => unary::unary,
    "" "Atan" 1 "f32" "" => unary::unary,
    "" "Atanh" 1 "f32" "" => unary::unary,
    "" "Attention" 23 "f32" "" => attention::attention,
    "" "AveragePool" 7 "f32" "up to three spatial axes" => average_pool::average_pool,
    "" "BatchNormalization" 7 "f32" "inference; constant parameters" => batch_norm::batch_norm,
    "" "BitCast" 26 "any" "no strings, no half floats" => unary::bit_cast,
    "" "BitShift" 11 "u8 u16 u32 u64" "" => arithmetic::bit_shift,
    "" "BitwiseAnd" 18 "i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::logic,
    "" "BitwiseNot" 18 "i8 i16 i32 i64 u8 u16 u32 u64" "" => unary::unary,
    "" "BitwiseOr" 18 "i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::logic,
    "" "BitwiseXor" 18 "i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::logic,
    "" "BlackmanWindow" 17 "f32 f64" "constant size" => taper::window,
    "" "Cast" 6 "any" "no strings" => unary::cast,
    "" "CastLike" 15 "any" "no strings" => unary::cast_like,
    "" "CausalConvWithState" 27 "f32" "" => causal_conv::causal_conv,
    "" "Ceil" 1 "f32 f64" "" => unary::unary,
    "" "Celu" 1 "f32" "" => unary::unary,
    "" "CenterCropPad" 18 "any" "constant shape" => slice::center_crop_pad,
    "" "Clip" 6 "any" "" => activation::clip,
    "" "Col2Im" 18 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant shapes" => col2im::col2im,
    "" "Compress" 9 "any" "" => selection::compress,
    "" "Concat" 4 "any" "" => slice::concat,
    "" "Constant" 1 "any" "no strings, no sparse tensors" => identity::constant,
    "" "ConstantOfShape" 9 "any" "constant shape" => shape::constant_of_shape,
    "" "Conv" 1 "f32" "up to three spatial axes" => conv::conv,
    "" "ConvInteger" 10 "i8 u8" "" => windows::conv_integer,
    "" "ConvTranspose" 1 "f32" "up to three spatial axes" => conv_transpose::conv_transpose,
    "" "Cos" 1 "f32" "" => unary::unary,
    "" "Cosh" 1 "f32" "" => unary::unary,
    "" "CumProd" 26 "f32 f64 i32 i64 u32 u64" "constant axis" => reduction::cumulative,
    "" "CumSum" 11 "f32 f64 i32 i64 u32 u64" "constant axis" => reduction::cumulative,
    "" "DFT" 17 "f32 f64" "constant length, constant axis" => fourier::dft,
    "" "DeformConv" 19 "f32" "2-D; constant weights and bias" => deform_conv::deform_conv,
    "" "DepthToSpace" 1 "any" "" => slice::depth_to_space,
    "" "DequantizeLinear" 10 "i8 u8 i16 u16 i32 i4 u4 i2 u2, float8, float4" "f32 scales" => quantize::dequantize,
    "" "Det" 11 "f32 f64" "unrolled" => determinant::determinant,
    "" "Div" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => elementwise::div,
    "" "Dropout" 7 "any" "inference" => identity::dropout,
    "" "DynamicQuantizeLinear" 11 "f32" "" => integer::dynamic_quantize,
    "" "Einsum" 12 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => einsum::einsum,
    "" "Elu" 1 "f32" "" => unary::unary,
    "" "Equal" 7 "any" "" => arithmetic::compare,
    "" "Erf" 1 "f32" "" => unary::unary,
    "" "Exp" 1 "f32 f64" "" => unary::unary,
    "" "Expand" 8 "any" "constant shape" => slice::expand,
    "" "EyeLike" 9 "any" "" => shape::eye_like,
    "" "Flatten" 1 "any" "" => reshape::flatten,
    "" "Floor" 1 "f32 f64" "" => unary::unary,
    "" "GRU" 7 "f32" "known lengths; unrolled" => recurrent::recurrent,
    "" "Gather" 1 "any" "" => gather::gather,
    "" "GatherElements" 11 "any" "" => gather::gather_elements,
    "" "GatherND" 11 "any" "" => gather::gather_nd,
    "" "Gelu" 1 "f32" "" => unary::unary,
    "" "Gemm" 7 "f32 f64 i32 i64 u32 u64" "" => gemm::gemm,
    "" "GlobalAveragePool" 1 "f32" "1-D and 2-D" => average_pool::global_average_pool,
    "" "GlobalMaxPool" 1 "f32 i8 u8 i16" "1-D and 2-D" => max_pool::global_max_pool,
    "" "Greater" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::compare,
    "" "GreaterOrEqual" 12 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::compare,
    "" "GridSample" 16 "f32" "" => grid_sample::grid_sample,
    "" "GroupNormalization" 18 "f32" "" => normalization::group_normalization,
    "" "HammingWindow" 17 "f32 f64" "constant size" => taper::window,
    "" "HannWindow" 17 "f32 f64" "constant size" => taper::window,
    "" "HardSigmoid" 1 "f32" "" => unary::unary,
    "" "HardSwish" 1 "f32" "" => unary::unary,
    "" "Hardmax" 1 "f32" "" => reduction::hardmax,
    "" "Identity" 1 "any" "" => identity::identity,
    "" "If" 1 "any" "both branches run if the condition is not constant; equal types then" => control::if_,
    "" "InstanceNormalization" 1 "f32" "" => normalization::instance_normalization,
    "" "IsInf" 10 "f32 f64" "" => unary::is_inf,
    "" "IsNaN" 9 "f32 f64" "" => unary::is_nan,
    "" "LRN" 1 "f32" "" => normalization::lrn,
    "" "LSTM" 7 "f32" "known lengths; unrolled" => recurrent::recurrent,
    "" "LayerNormalization" 1 "f32" "" => normalization::layer_normalization,
    "" "LeakyRelu" 1 "f32" "" => unary::unary,
    "" "Less" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::compare,
    "" "LessOrEqual" 12 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::compare,
    "" "LinearAttention" 27 "f32" "unrolled" => linear_attention::linear_attention,
    "" "Log" 1 "f32 f64" "" => unary::unary,
    "" "LogSoftmax" 1 "f32 f64" "" => reduction::log_softmax,
    "" "Loop" 1 "any" "constant trip count, unrolled; no scan results if the condition is not constant" => control::loop_,
    "" "LpNormalization" 1 "f32" "" => reduction::lp_normalization,
    "" "LpPool" 2 "f32" "" => windows::lp_pool,
    "" "MatMul" 1 "f32 f64 i32 i64 u32 u64" "" => matmul::matmul,
    "" "MatMulInteger" 10 "i8 u8" "" => integer::matmul_integer,
    "" "Max" 8 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::variadic,
    "" "MaxPool" 1 "f32 i8 u8 i16" "up to three spatial axes" => max_pool::max_pool,
    "" "MaxUnpool" 9 "any" "constant shape" => windows::max_unpool,
    "" "Mean" 8 "f32 f64" "" => arithmetic::variadic,
    "" "MeanVarianceNormalization" 9 "f32" "" => normalization::mean_variance_normalization,
    "" "MelWeightMatrix" 17 "any number" "constant operands" => mel::mel_weight_matrix,
    "" "Min" 8 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::variadic,
    "" "Mish" 1 "f32" "" => unary::unary,
    "" "Mod" 10 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::modulo,
    "" "Mul" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => elementwise::mul,
    "" "Neg" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => unary::unary,
    "" "NonMaxSuppression" 10 "f32" "constant thresholds" => suppression::non_max_suppression,
    "" "NonZero" 9 "any" "" => selection::non_zero,
    "" "Not" 1 "bool" "" => unary::not,
    "" "OneHot" 9 "any" "constant depth" => shape::one_hot,
    "" "Or" 7 "bool" "" => arithmetic::logic,
    "" "PRelu" 7 "f32" "" => arithmetic::prelu,
    "" "Pad" 2 "any" "constant mode, constant pads" => pad::pad,
    "" "Pow" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => arithmetic::pow,
    "" "QLinearConv" 10 "i8 u8" "1-D and 2-D; weights and bias known at compile time" => conv::qlinear_conv,
    "" "QLinearMatMul" 10 "i8 u8" "f32 scales" => matmul::qlinear_matmul,
    "" "QuantizeLinear" 10 "f32 to i8 u8 i16 u16 i4 u4 i2 u2, float8, float4" "" => quantize::quantize,
    "" "RMSNormalization" 23 "f32" "" => normalization::rms_normalization,
    "" "RNN" 7 "f32" "known lengths; unrolled" => recurrent::recurrent,
    "" "Range" 11 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant operands" => shape::range,
    "" "Reciprocal" 1 "f32 f64" "" => unary::unary,
    "" "ReduceL1" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceL2" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceLogSum" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceLogSumExp" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceMax" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceMean" 1 "f32 i32 i64" "constant axes" => reduce_mean::reduce_mean,
    "" "ReduceMin" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceProd" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceSum" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "ReduceSumSquare" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant axes" => reduction::reduce,
    "" "Relu" 6 "f32 i8 i16 i32 i64" "" => activation::relu,
    "" "Reshape" 5 "any" "constant shape" => reshape::reshape,
    "" "Resize" 10 "f32" "constant scales and sizes" => resize::resize,
    "" "ReverseSequence" 10 "any" "constant lengths" => slice::reverse_sequence,
    "" "RoiAlign" 10 "f32" "sampling_ratio above 0" => regions::roi_align,
    "" "RotaryEmbedding" 23 "f32 f64" "" => rotary::rotary_embedding,
    "" "Round" 1 "f32 f64" "" => unary::unary,
    "" "STFT" 17 "f32 f64" "constant step, constant length" => fourier::stft,
    "" "Scan" 8 "any" "unrolled; whole sequences" => scan::scan,
    "" "Scatter" 9 "any" "" => gather::scatter_elements,
    "" "ScatterElements" 11 "any" "" => gather::scatter_elements,
    "" "ScatterND" 11 "any" "" => gather::scatter_nd,
    "" "Selu" 1 "f32" "" => unary::unary,
    "" "Shape" 1 "any" "" => shape::shape,
    "" "Shrink" 9 "f32" "" => unary::unary,
    "" "Sigmoid" 1 "f32" "" => unary::unary,
    "" "Sign" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => unary::unary,
    "" "Sin" 1 "f32" "" => unary::unary,
    "" "Sinh" 1 "f32" "" => unary::unary,
    "" "Size" 1 "any" "" => shape::size,
    "" "Slice" 1 "any" "constant ranges" => slice::slice,
    "" "Softmax" 1 "f32 f64" "" => softmax::softmax,
    "" "Softplus" 1 "f32" "" => unary::unary,
    "" "Softsign" 1 "f32" "" => unary::unary,
    "" "SpaceToDepth" 1 "any" "" => slice::space_to_depth,
    "" "Split" 1 "any" "constant sizes" => slice::split,
    "" "Sqrt" 1 "f32 f64" "" => unary::unary,
    "" "Squeeze" 1 "any" "constant axes" => reshape::squeeze,
    "" "Sub" 7 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "" => elementwise::sub,
    "" "Sum" 8 "f32 f64" "" => arithmetic::variadic,
    "" "SwiGLU" 1 "f32" "" => arithmetic::swiglu,
    "" "Swish" 1 "f32" "" => unary::unary,
    "" "Tan" 1 "f32" "" => unary::unary,
    "" "Tanh" 1 "f32" "" => unary::unary,
    "" "TensorScatter" 24 "any" "" => tensor_scatter::tensor_scatter,
    "" "ThresholdedRelu" 1 "f32" "" => unary::unary,
    "" "Tile" 6 "any" "constant counts" => slice::tile,
    "" "TopK" 1 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "constant k" => reduction::top_k,
    "" "Transpose" 1 "any" "" => transpose::transpose,
    "" "Trilu" 14 "any" "constant k" => slice::trilu,
    "" "Unique" 11 "f32 f64 i8 i16 i32 i64 u8 u16 u32 u64" "entries of up to 16 elements; no NaN" => unique::unique,
    "" "Unsqueeze" 1 "any" "constant axes" => reshape::unsqueeze,
    "" "Upsample" 7 "f32" "constant scales" => resize::resize,
    "" "Where" 9 "any" "" => arithmetic::select,
    "" "Xor" 7 "bool" "" => arithmetic::logic,
    "ai.onnx.ml" "ArrayFeatureExtractor" 1 "any" "" => ml::columns::array_feature_extractor,
    "ai.onnx.ml" "Binarizer" 1 "f32 f64 i32 i64" "" => ml::columns::binarizer,
    "ai.onnx.ml" "FeatureVectorizer" 1 "f32 f64 i32 i64" "" => ml::columns::feature_vectorizer,
    "ai.onnx.ml" "Imputer" 1 "f32 f64 i32 i64" "" => ml::columns::imputer,
    "ai.onnx.ml" "LabelEncoder" 2 "f32 f64 i32 i64" "no strings" => ml::labels::encoder,
    "ai.onnx.ml" "LinearClassifier" 1 "f32 f64 i32 i64" "labels that are strings become positions" => ml::linear::classifier,
    "ai.onnx.ml" "LinearRegressor" 1 "f32 f64 i32 i64" "" => ml::linear::regressor,
    "ai.onnx.ml" "Normalizer" 1 "f32 f64 i32 i64" "" => ml::columns::normalizer,
    "ai.onnx.ml" "OneHotEncoder" 1 "f32 f64 i32 i64" "no strings; unknown categories become zeros" => ml::columns::one_hot,
    "ai.onnx.ml" "SVMClassifier" 1 "f32 f64 i32 i64" "probabilities of two classes only" => ml::svm::classifier,
    "ai.onnx.ml" "SVMRegressor" 1 "f32 f64 i32 i64" "" => ml::svm::regressor,
    "ai.onnx.ml" "Scaler" 1 "f32 f64 i32 i64" "" => ml::columns::scaler,
    "ai.onnx.ml" "TreeEnsemble" 5 "f32 f64" "" => ml::trees::ensemble,
    "ai.onnx.ml" "TreeEnsembleClassifier" 1 "f32 f64 i32 i64" "labels that are strings become positions" => ml::trees::classifier,
    "ai.onnx.ml" "TreeEnsembleRegressor" 1 "f32 f64 i32 i64" "" => ml::trees::regressor,
    "ai.onnx.ml" "ZipMap" 1 "f32" "left out: an output of the model is the tensor of scores" => ml::classes::zip_map,
    "com.microsoft" "Attention" 1 "f32" "masks [B], [B, keys], [B, queries, keys]; no shared cache" => runtime_attention::attention,
    "com.microsoft" "BiasGelu" 1 "f32" "" => fused::bias_gelu,
    "com.microsoft" "CropAndResize" 1 "f32" "constant size" => regions::crop_and_resize,
    "com.microsoft" "DequantizeLinear" 1 "i8 u8 i16 u16 i32" "f32 scales" => quantize::dequantize,
    "com.microsoft" "DynamicQuantizeMatMul" 1 "f32 with i8 u8" "" => integer::dynamic_quantize_matmul,
    "com.microsoft" "FastGelu" 1 "f32" "" => fused::fast_gelu,
    "com.microsoft" "FusedConv" 1 "f32" "up to three spatial axes" => fused::conv,
    "com.microsoft" "FusedGemm" 1 "f32" "" => fused::gemm,
    "com.microsoft" "FusedMatMul" 1 "f32" "" => fused::matmul,
    "com.microsoft" "Gelu" 1 "f32" "" => unary::unary,
    "com.microsoft" "GridSample" 1 "f32" "" => grid_sample::grid_sample,
    "com.microsoft" "MatMulIntegerToFloat" 1 "i8 u8" "" => integer::matmul_integer_to_float,
    "com.microsoft" "MultiHeadAttention" 1 "f32" "masks [B], [B, keys], [B, queries, keys]; no shared cache" => runtime_attention::multi_head_attention,
    "com.microsoft" "QGemm" 1 "i8 u8" "alpha 1; B and C known at compile time; quantised result" => gemm::qgemm,
    "com.microsoft" "QLinearAdd" 1 "i8 u8" "" => elementwise::qlinear_add,
    "com.microsoft" "QLinearAveragePool" 1 "i8 u8" "1-D and 2-D" => average_pool::qlinear_average_pool,
    "com.microsoft" "QLinearConcat" 1 "i8 u8" "" => qlinear::concat,
    "com.microsoft" "QLinearConv" 1 "i8 u8" "1-D and 2-D; weights and bias known at compile time" => conv::qlinear_conv,
    "com.microsoft" "QLinearGlobalAveragePool" 1 "i8 u8" "1-D and 2-D" => average_pool::qlinear_global_average_pool,
    "com.microsoft" "QLinearLeakyRelu" 1 "i8 u8" "" => qlinear::leaky_relu,
    "com.microsoft" "QLinearMul" 1 "i8 u8" "" => elementwise::qlinear_mul,
    "com.microsoft" "QLinearReduceMean" 1 "i8 u8" "" => reduce_mean::qlinear_reduce_mean,
    "com.microsoft" "QLinearSigmoid" 1 "i8 u8" "" => qlinear::sigmoid,
    "com.microsoft" "QLinearSoftmax" 1 "i8 u8" "" => softmax::qlinear_softmax,
    "com.microsoft" "QLinearWhere" 1 "i8 u8" "" => qlinear::select,
    "com.microsoft" "QuantizeLinear" 1 "f32 to i8 u8 i16 u16" "" => quantize::quantize,
    "com.microsoft" "QuickGelu" 1 "f32" "" => fused::quick_gelu,
    "com.microsoft" "RotaryEmbedding" 1 "f32" "no packed batches" => runtime_attention::rotary_embedding,
    "com.microsoft" "SkipLayerNormalization" 1 "f32" "" => normalization::skip_layer_normalization,
};

/// The importer of an operator.
pub(super) fn find(domain: &str, name: &str) -> Option<&'static OpInfo> {
    TABLE.binary_search_by(|info| (info.domain, info.name).cmp(&(domain, name))).ok().map(|i| &TABLE[i])
}

/// The error for an operator that is not in the table, with those that are spelled alike.
pub(super) fn unsupported(domain: &str, name: &str) -> Diagnostic {
    let spelled = |domain: &str, name: &str| match domain {
        "" => name.to_string(),
        _ => format!("{domain}.{name}"),
    };
    let error =
        Diagnostic::error(code::OPERATOR, format!("operator {} is not supported", spelled(domain, name)))
            .help(UNSUPPORTED_HELP);
    let names = close(name, TABLE.iter().map(|info| info.name));
    let known = |info: &&OpInfo| names.contains(&info.name);
    let full: Vec<String> =
        TABLE.iter().filter(known).map(|info| spelled(info.domain, info.name)).take(3).collect();
    if full.is_empty() {
        return error;
    }
    error.note(format!("supported operators of similar names: {}", full.join(", ")))
}

const UNSUPPORTED_HELP: &str = "`tinyc ops` lists what is supported; simplifying the model before export often removes such \
    nodes; `tinyc extract` cuts one out for a report";

/// The three names that are spelled most like another, the closest first.
pub(super) fn close<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let short = |name: &str| name.chars().take(64).collect::<String>().to_lowercase();
    let wanted = short(name);
    let mut near: Vec<(usize, &str)> = known
        .map(|known| (distance(&short(known), &wanted), known))
        .filter(|(distance, known)| *distance <= name.len().min(known.len()) / 3)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many characters must be changed, added or left out to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_in() {
        assert!(TABLE.is_sorted_by_key(|info| (info.domain, info.name)));
        assert!(TABLE.iter().all(|info| find(info.domain, info.name).is_some_and(|f| std::ptr::eq(f, info))));
        assert!(find("", "conv").is_none());
    }

    #[test]
    fn close_names_are_offered() {
        assert_eq!(distance("kitten", "sitting"), 3);
        let error = unsupported("", "MaxPol");
        assert_eq!(error.notes, ["supported operators of similar names: MaxPool"]);
        assert!(unsupported("", "StringNormalizer").notes.is_empty());
    }
}
