//! One whole emitted pair, for review.

use crate::networks;
use tinyc_backends::c::{Options, emit};

#[test]
fn a_quantised_network_reads_like_this() {
    let options = Options { generator: "tinyc (test)".into(), arm_dsp: true };
    for file in emit(&networks::quantized().program, &options) {
        insta::assert_snapshot!(file.name.clone(), file.text);
    }
}
