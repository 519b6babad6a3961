//! A small page as a whole, and names that try to be markup.

use super::{Front, Layer, Point, Quantization, Range};

fn small() -> Quantization {
    let bell = |spread: f64| {
        (0..32).map(|i| (1000.0 * (-((f64::from(i) - 14.0) / spread).powi(2)).exp()).round()).collect()
    };
    let layer = |name: &str, precision: &str, sqnr: Option<f64>, bytes, cycles| Layer {
        name: name.into(),
        precision: precision.into(),
        method: "mse".into(),
        sqnr_db: sqnr,
        weight_bytes: bytes,
        cycles: Some(cycles),
    };
    let range = |name: &str, method: &str, seen: (f32, f32), range: (f32, f32), spread| Range {
        name: name.into(),
        dtype: "i8".into(),
        method: method.into(),
        scale: (range.1 - range.0) / 255.0,
        zero_point: -12,
        seen,
        range,
        histogram: bell(spread),
    };
    let point = |name: &str, cost, worth, chosen| Point { name: name.into(), cost, worth, chosen };
    Quantization {
        model: "digits_f32.onnx".into(),
        metric: "top-1 accuracy".into(),
        float: "97.20 %".into(),
        integer: "97.00 %".into(),
        samples: 1797,
        unseen: true,
        facts: vec![
            ("calibrated on".into(), "128 samples".into()),
            ("same answer as float".into(), "99.6 %".into()),
        ],
        stages: vec![("ranges by mse".into(), Some(34.2)), ("biases corrected".into(), Some(35.0))],
        layers: vec![
            layer("/conv1/Conv", "i8 × i8", Some(38.4), 72, 81_234),
            layer("/conv2/Conv", "i8 × i4", Some(27.9), 1152, 412_870),
            layer("/conv3/Conv", "i16 × i8", None, 2304, 398_101),
            layer("/fc/Gemm", "i8 × i8", Some(33.1), 640, 9120),
        ],
        tensors: vec![
            range("/conv1/Relu_output_0", "percentile", (-0.4, 9.5), (0.0, 6.2), 4.0),
            range("<b>&\"logits\"</b>", "min/max", (-14.0, 21.0), (-14.2, 21.3), 9.0),
            range("flat", "", (0.0, 0.0), (0.0, 1.0), 1.0),
        ],
        front: Some(Front {
            cost: "flash, bytes".into(),
            worth: "top-1 accuracy, %".into(),
            points: vec![
                point("all layers int4", 2210.0, 91.2, false),
                point("1 layer int8", 2790.0, 95.1, false),
                point("half of the weights int4", 3020.0, 97.0, true),
                point("all layers int8", 4168.0, 97.1, false),
            ],
        }),
    }
}

#[test]
fn a_small_page() {
    let page = small().html();
    if let Some(place) = std::env::var_os("TINYC_PAGE") {
        std::fs::write(place, &page).unwrap();
    }
    insta::assert_snapshot!("small_page", page);
}

#[test]
fn names_are_text_and_nothing_is_fetched() {
    let page = small().html();
    assert!(page.contains("&lt;b&gt;&amp;&quot;logits&quot;&lt;/b&gt;") && !page.contains("<b>&"));
    for reference in ["http", "src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn strange_numbers_make_a_page() {
    let mut data = small();
    data.layers[0].sqnr_db = Some(f64::NAN);
    data.tensors[0].range = (f32::NEG_INFINITY, f32::NAN);
    data.tensors[0].histogram.clear();
    if let Some(front) = &mut data.front {
        front.points.truncate(1);
        front.points[0].worth = f64::NAN;
    }
    let page = data.html();
    assert!(!page.contains("NaN") && !page.contains("inf\""), "{page}");
    assert!(Quantization::default().html().ends_with("</html>\n"));
}
