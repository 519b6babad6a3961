//! `conv2d`: which kernel a convolution gets.

use super::layer::Layer;
use super::tile::{Kind, WIDTH, lone_width, packed_positions};
use super::weighted_sum::{Emitter, WeightedSum};
use super::window::Window;
use super::{Lowering, Unsupported, depthwise, im2col, pad, rows};
use tinyc_ir::loops::{Affine, Bound, Buffer, Param};
use tinyc_ir::op::Conv2d;
use tinyc_ir::{DType, Node, Shape, TensorType};

/// Sizes of one convolution after padding that the loops cannot bound has been made explicit.
pub struct Geometry {
    /// The convolution; its pads are what the loops' bounds leave out.
    pub conv: Conv2d,
    /// `[N, H, W, C]`.
    pub x: Shape,
    /// `[O, KH, KW, C/groups]`.
    pub w: Shape,
    /// `[N, OH, OW, O]`.
    pub y: Shape,
}

/// Lowers a `conv2d` node.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, conv: &Conv2d) -> Result<(), Unsupported> {
    let data = &lowering.graph.nodes[node];
    let shape = |value| lowering.graph.ty(value).shape.clone();
    let mut geometry = Geometry {
        conv: conv.clone(),
        x: shape(data.inputs[0]),
        w: shape(data.inputs[1]),
        y: shape(data.outputs[0]),
    };
    let padded = conv.pads != [0; 4];
    let xt = lowering.graph.ty(data.inputs[0]);
    let zero = xt.quant.as_ref().map(|q| q.zero_point(0));
    if geometry.w[1..3] == [1, 1] && !padded && conv.strides == [1, 1] && conv.groups == 1 {
        let (rows, depth) = (geometry.x[..3].iter().product(), geometry.x[3]);
        return rows::lower(lowering, node, conv.act, rows, depth, "pointwise");
    }
    let copied = zero.is_some() && conv.groups == 1 && geometry.w[0] >= WIDTH;
    // Bounds of a padded and dilated window, `max(0, (pad − oy) / dilation)`, are not affine: pad beforehand.
    let beforehand = padded && conv.dilations != [1, 1];
    let sum = WeightedSum::new(lowering, node, conv.act, copied || beforehand || !padded)?;
    let (mut x, y) = lowering.data_buffers(node);
    if beforehand {
        (x, geometry.x) = pad::into_scratch(lowering, node, x, conv.pads);
        geometry.conv.pads = [0; 4];
    }
    let kind = if is_depthwise(&geometry) { "depthwise" } else { "conv" };
    let Geometry { x: xs, w: ws, y: ys, .. } = &geometry;
    let name = format!("{kind}{}x{}_{}x{}x{}_{}", ws[1], ws[2], xs[1], xs[2], xs[3], ys[3]);
    let comment = format!("{}x{} kernel, stride {}, {xs} to {ys}", ws[1], ws[2], stride_text(conv.strides));
    let macs = lowering.macs(node);
    let tile = sum.kind(lowering.features);
    let window = copied.then(|| {
        let dtype = if tile == Kind::Dual { DType::I16 } else { xt.dtype };
        lowering.scratch(
            "window",
            &TensorType::new(dtype, [im2col::scratch_len(&geometry, tile, lowering.features)]),
        )
    });
    let mut layer = lowering.layer(node, name, comment);
    match (window, zero) {
        (Some(window), Some(zero)) => {
            im2col::emit(&mut layer, &sum, &geometry, zero, tile, &im2col::Buffers { x, window, y });
        }
        _ if is_depthwise(&geometry) => depthwise::emit(&mut layer, &sum, &geometry, x, y),
        _ => emit(&mut layer, &sum, &geometry, x, y),
    }
    layer.finish(macs);
    Ok(())
}

fn stride_text(strides: [usize; 2]) -> String {
    if strides[0] == strides[1] { strides[0].to_string() } else { format!("{}x{}", strides[0], strides[1]) }
}

fn is_depthwise(geometry: &Geometry) -> bool {
    geometry.conv.groups == geometry.x[3] && geometry.w[0] == geometry.x[3] && geometry.conv.groups > 1
}

impl Geometry {
    /// The loops' bounds and positions.
    pub fn window(&self) -> Window {
        let Conv2d { strides, pads, dilations, .. } = self.conv;
        let size = [self.x[1], self.x[2]];
        Window { size, kernel: [self.w[1], self.w[2]], strides, dilations, pads }
    }
}

struct Params {
    x: Param,
    w: Param,
    y: Param,
}

/// The general kernel: some output channels of one pixel at a time, over rows, columns and channels of the window.
fn emit(layer: &mut Layer<'_>, sum: &WeightedSum, g: &Geometry, x: Buffer, y: Buffer) {
    let groups = g.conv.groups;
    let per_group = g.w[0] / groups;
    let taps: usize = g.w[1..].iter().product();
    let width = lone_width(layer.features);
    let within = packed_positions(per_group, taps, width);
    let positions: Vec<usize> =
        (0..groups).flat_map(|group| within.iter().map(move |p| group * per_group * taps + p)).collect();
    let x = layer.read("x", x);
    let w = layer.constant("weight", sum.weights.data.gather(&positions));
    let emitter = sum.prepare(layer);
    let y = layer.write("y", y);
    let params = Params { x, w, y };
    let (blocks, tail) = (per_group / width, per_group % width);
    layer.each("n", g.x[0], &mut |layer, n| {
        layer.each("oy", g.y[1], &mut |layer, oy| {
            layer.each("ox", g.y[2], &mut |layer, ox| {
                layer.each("group", groups, &mut |layer, group| {
                    let at = At { n: n.clone(), oy: oy.clone(), ox: ox.clone(), group };
                    layer.each("block", blocks, &mut |layer, block| {
                        body(layer, &emitter, &params, g, &at, &block.times(width as i64), width);
                    });
                    if tail > 0 {
                        body(
                            layer,
                            &emitter,
                            &params,
                            g,
                            &at,
                            &Affine::constant((blocks * width) as i64),
                            tail,
                        );
                    }
                });
            });
        });
    });
}

/// An output pixel and a group.
struct At {
    n: Affine,
    oy: Affine,
    ox: Affine,
    group: Affine,
}

fn body(
    layer: &mut Layer<'_>,
    emitter: &Emitter,
    params: &Params,
    g: &Geometry,
    at: &At,
    first: &Affine,
    width: usize,
) {
    let [h, w, c] = [1, 2, 3].map(|i| g.x[i] as i64);
    let (kw, cg) = (g.w[2] as i64, g.w[3] as i64);
    let window = g.window();
    let taps = g.w[1] as i64 * kw * cg;
    let per_group = (g.w[0] / g.conv.groups) as i64;
    let channel = at.group.times(per_group).plus(first);
    let accs = emitter.start(layer, &channel, width);
    let zeros = emitter.weight_zeros(layer, &channel, width);
    let weights = channel.times(taps);
    let tap = |layer: &mut Layer<'_>, iy: &Affine, column: &Affine, position: &Affine| {
        let row = at.n.times(h).plus(iy).times(w * c);
        let x = emitter.x(layer, params.x, row.plus(column));
        for (j, &acc) in accs.iter().enumerate() {
            let index = weights.plus(&position.times(width as i64)).offset(j as i64);
            let weight = emitter.weight(layer, params.w, index, zeros[j]);
            emitter.accumulate(layer, acc, x, weight);
        }
    };
    let (ky_lo, ky_hi) = window.taps(0, &at.oy);
    layer.for_("ky", ky_lo, ky_hi, |layer, ky| {
        let ky = Affine::of(ky);
        let iy = window.under(0, &at.oy, &ky);
        let (kx_lo, kx_hi) = window.taps(1, &at.ox);
        if g.conv.groups == 1 && g.conv.dilations[1] == 1 {
            // Columns and channels of the window lie side by side: one loop over both.
            let scale = |bound: Bound| Bound(bound.0.iter().map(|a| a.times(c)).collect());
            layer.for_("t", scale(kx_lo), scale(kx_hi), |layer, t| {
                let t = Affine::of(t);
                let column = window.under(1, &at.ox, &Affine::constant(0)).times(c).plus(&t);
                tap(layer, &iy, &column, &ky.times(kw * c).plus(&t));
            });
        } else {
            layer.for_("kx", kx_lo, kx_hi, |layer, kx| {
                let kx = Affine::of(kx);
                layer.each("ci", g.w[3], &mut |layer, ci| {
                    let column = window.under(1, &at.ox, &kx).times(c).plus(&at.group.times(cg)).plus(&ci);
                    tap(layer, &iy, &column, &ky.times(kw).plus(&kx).times(cg).plus(&ci));
                });
            });
        }
    });
    for (j, &acc) in accs.iter().enumerate() {
        let channel = channel.offset(j as i64);
        let pixel = at.n.times(g.y[1] as i64).plus(&at.oy).times(g.y[2] as i64).plus(&at.ox);
        emitter.finish(layer, acc, &channel, params.y, pixel.times(g.y[3] as i64).plus(&channel));
    }
}
