//! `compact`: each position is written where the next true one belongs, as −1 if it is not true itself; no branch.

use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::loops::{Dynamic, Index, Scalar};
use tinyc_ir::wording::counted;

/// Lowers a `compact`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let (_, output) = lowering.node_types(node);
    let (rows, count) = (output.shape[0], output.shape[1]);
    let (m, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, "compact".into(), format!("{} of {count}", counted(rows, "row")));
    let (m, y) = (layer.read("m", m), layer.write("y", y));
    layer.each("row", rows, &mut |layer, row| {
        let first = row.times(count as i64);
        layer.each("j", count, &mut |layer, j| {
            let none = layer.b.i32(-1);
            layer.b.store(y, first.plus(&j), none);
        });
        let zero = layer.b.i32(0);
        let found = layer.b.let_("found", zero);
        layer.each("j", count, &mut |layer, j| {
            let flag = layer.b.load(m, first.plus(&j));
            let flag = layer.b.let_("flag", flag);
            let (is_true, here, none) = (layer.b.var(flag), layer.b.affine(j), layer.b.i32(-1));
            let here = layer.b.select(is_true, here, none);
            let value = layer.b.var(found);
            let dynamic = Dynamic { stride: 1, value, lo: 0, hi: count as i64 - 1 };
            let index = Index { affine: first.clone(), ring: None, dynamic: Some(dynamic) };
            layer.b.store(y, index, here);
            let flag = layer.b.var(flag);
            let flag = layer.b.convert(Scalar::I32, flag);
            layer.b.accumulate(found, flag);
        });
    });
    layer.finish(0);
    Ok(())
}
