//! The importers, one file for each operator or small family, and the table that names them all.

mod activation;
mod average_pool;
mod batch_norm;
mod conv;
mod conv_transpose;
mod elementwise;
mod gemm;
mod identity;
mod matmul;
mod max_pool;
mod pad;
mod quantize;
mod reduce_mean;
mod reshape;
mod softmax;
mod transpose;

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
    "" "Add" 7 "f32" "" => elementwise::add,
    "" "AveragePool" 7 "f32" "1-D and 2-D; dilations 1" => average_pool::average_pool,
    "" "BatchNormalization" 7 "f32" "inference; constant parameters" => batch_norm::batch_norm,
    "" "Cast" 6 "any" "to the same type" => identity::cast,
    "" "Clip" 6 "f32 i8 u8 i16" "constant bounds" => activation::clip,
    "" "Constant" 1 "any" "no strings, no sparse tensors" => identity::constant,
    "" "Conv" 1 "f32" "1-D and 2-D; weights and bias known at compile time" => conv::conv,
    "" "ConvTranspose" 1 "f32" "1-D and 2-D; weights and bias known at compile time" => conv_transpose::conv_transpose,
    "" "DequantizeLinear" 10 "i8 u8 i16 i32" "constant scale and zero point; no blocks" => quantize::dequantize,
    "" "Div" 7 "f32" "by constants, as product with the rounded reciprocal" => elementwise::div,
    "" "Dropout" 7 "any" "inference" => identity::dropout,
    "" "Flatten" 1 "any" "" => reshape::flatten,
    "" "Gemm" 7 "f32" "B known at compile time" => gemm::gemm,
    "" "GlobalAveragePool" 1 "f32" "1-D and 2-D" => average_pool::global_average_pool,
    "" "GlobalMaxPool" 1 "f32 i8 u8 i16" "1-D and 2-D" => max_pool::global_max_pool,
    "" "Identity" 1 "any" "" => identity::identity,
    "" "MatMul" 1 "f32" "right operand a matrix known at compile time" => matmul::matmul,
    "" "MaxPool" 1 "f32 i8 u8 i16" "1-D and 2-D; dilations 1; no indices" => max_pool::max_pool,
    "" "Mul" 7 "f32" "" => elementwise::mul,
    "" "Pad" 2 "f32 i8 u8 i16" "constant mode, constant pads, none negative" => pad::pad,
    "" "QLinearConv" 10 "i8 u8" "1-D and 2-D; weights and bias known at compile time" => conv::qlinear_conv,
    "" "QLinearMatMul" 10 "i8 u8" "right operand a matrix known at compile time" => matmul::qlinear_matmul,
    "" "QuantizeLinear" 10 "f32 to i8 u8 i16" "constant scale and zero point; no blocks" => quantize::quantize,
    "" "ReduceMean" 1 "f32" "constant axes" => reduce_mean::reduce_mean,
    "" "Relu" 6 "f32" "" => activation::relu,
    "" "Reshape" 5 "any" "constant shape" => reshape::reshape,
    "" "Softmax" 1 "f32" "" => softmax::softmax,
    "" "Squeeze" 1 "any" "constant axes" => reshape::squeeze,
    "" "Sub" 7 "f32" "" => elementwise::sub,
    "" "Transpose" 1 "any" "" => transpose::transpose,
    "" "Unsqueeze" 1 "any" "constant axes" => reshape::unsqueeze,
    "com.microsoft" "QGemm" 1 "i8 u8" "alpha 1; B and C known at compile time; quantised result" => gemm::qgemm,
    "com.microsoft" "QLinearAdd" 1 "i8 u8" "" => elementwise::qlinear_add,
    "com.microsoft" "QLinearAveragePool" 1 "i8 u8" "1-D and 2-D" => average_pool::qlinear_average_pool,
    "com.microsoft" "QLinearConv" 1 "i8 u8" "1-D and 2-D; weights and bias known at compile time" => conv::qlinear_conv,
    "com.microsoft" "QLinearGlobalAveragePool" 1 "i8 u8" "1-D and 2-D" => average_pool::qlinear_global_average_pool,
    "com.microsoft" "QLinearMul" 1 "i8 u8" "" => elementwise::qlinear_mul,
    "com.microsoft" "QLinearSoftmax" 1 "i8 u8" "" => softmax::qlinear_softmax,
};

/// The importer of an operator.
pub(super) fn find(domain: &str, name: &str) -> Option<&'static OpInfo> {
    TABLE.binary_search_by(|info| (info.domain, info.name).cmp(&(domain, name))).ok().map(|i| &TABLE[i])
}

/// The error for an operator that is not in the table, with those that are spelled alike.
pub(super) fn unsupported(domain: &str, name: &str) -> Diagnostic {
    let full = if domain.is_empty() { name.to_string() } else { format!("{domain}.{name}") };
    let mut close: Vec<(usize, String)> = TABLE
        .iter()
        .filter_map(|info| {
            let near = distance(
                &info.name.to_lowercase(),
                &name.chars().take(64).collect::<String>().to_lowercase(),
            );
            let spelled = if info.domain.is_empty() {
                info.name.into()
            } else {
                format!("{}.{}", info.domain, info.name)
            };
            (near <= name.len().min(info.name.len()) / 3).then_some((near, spelled))
        })
        .collect();
    close.sort();
    let error = Diagnostic::error(code::OPERATOR, format!("operator {full} is not supported"));
    let help =
        "`tinyc ops` lists what is supported; simplifying the model before export often removes such nodes";
    match close.as_slice() {
        [] => error.help(help),
        close => {
            let names: Vec<&str> = close.iter().take(3).map(|(_, n)| n.as_str()).collect();
            error.note(format!("supported operators of similar names: {}", names.join(", "))).help(help)
        }
    }
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
        assert!(unsupported("", "NonMaxSuppression").notes.is_empty());
    }
}
