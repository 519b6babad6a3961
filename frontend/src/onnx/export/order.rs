//! In which order the file holds the axes of a tensor: as the graph has them, or channels first.
//!
//! Convolutions and pools want channels first, and what works on each element alone follows them, so that transposes
//! stand only where some operator needs the other order. A transpose of the graph between both orders is no node at all.

use crate::onnx::layout::{TO_FIRST, TO_LAST};
use tinyc_ir::entity::Entity;
use tinyc_ir::{Def, Graph, Op, Shape, Tensor, TensorType, Value};

/// The axes of a tensor in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Order {
    /// As in the graph, whose images are `[N, H, W, C]`.
    Last,
    /// `[N, C, H, W]` of four axes.
    First,
    /// Less than four axes, so arranged that they broadcast to a channels-first image: `[C]` is `[C, 1, 1]`.
    Beside,
}

impl Order {
    /// The shape of a tensor in this order.
    pub(super) fn shape(self, shape: &Shape) -> Shape {
        match self {
            Self::Last => shape.clone(),
            Self::First => TO_FIRST.iter().map(|&axis| shape[axis]).collect::<Vec<_>>().into(),
            Self::Beside => {
                let turned = Self::First.shape(&four(shape));
                let ones = turned.iter().take_while(|&&size| size == 1).count().min(3);
                turned[ones..].to_vec().into()
            }
        }
    }

    /// A tensor in this order.
    pub(super) fn arranged(self, tensor: &Tensor) -> Tensor {
        if self == Self::Last {
            return tensor.clone();
        }
        let four = four(&tensor.shape);
        let turn = tinyc_ir::op::Transpose { perm: TO_FIRST.to_vec() };
        Tensor::new(self.shape(&tensor.shape), tensor.data.gather(&turn.positions(&four)))
    }

    /// Where an axis of the graph's tensor is in the file's.
    pub(super) fn axis(self, axis: usize) -> usize {
        match self {
            Self::First => TO_LAST[axis],
            _ => axis,
        }
    }

    /// Entries for each axis of the graph's tensor, as the file has them.
    pub(super) fn entries<T: Copy>(self, entries: &[T]) -> Vec<T> {
        match self {
            Self::First => TO_FIRST.iter().map(|&axis| entries[axis]).collect(),
            _ => entries.to_vec(),
        }
    }
}

/// The shape with ones in front, of four axes.
pub(super) fn four(shape: &Shape) -> Shape {
    let mut dims = vec![1; 4usize.saturating_sub(shape.rank())];
    dims.extend_from_slice(shape);
    dims.into()
}

/// Whether both orders have the elements of such an image in the same places.
pub(super) fn is_same(shape: &Shape) -> bool {
    shape.rank() == 4 && (shape[3] == 1 || shape[1] * shape[2] == 1)
}

/// The order in which each value is held.
pub(super) struct Held {
    orders: Vec<Order>,
    /// The value whose tensor, in the order in which that is held, is this one's in the order in which this is held.
    same: Vec<Option<Value>>,
}

impl Held {
    /// Decides for every value of a graph.
    pub(super) fn new(graph: &Graph) -> Self {
        let mut held =
            Self { orders: Vec::with_capacity(graph.values.len()), same: vec![None; graph.values.len()] };
        for (value, data) in graph.values.iter() {
            let order = match &data.def {
                Def::Node(node, _) => held.of_node(graph, value, &graph.nodes[*node]),
                Def::Input | Def::Const(_) => Order::Last,
            };
            held.orders.push(order);
        }
        held
    }

    fn of_node(&mut self, graph: &Graph, value: Value, node: &tinyc_ir::graph::NodeData) -> Order {
        let is_image = |ty: &TensorType| ty.shape.rank() == 4;
        match &node.op {
            Op::Conv2d(_) | Op::AvgPool2d(_) | Op::MaxPool2d(_) => Order::First,
            Op::Transpose(op) => {
                let x = node.inputs[0];
                let from = self.order(x);
                let constant = graph.const_of(x).is_some();
                let to = match (from, op.perm.as_slice()) {
                    (Order::First, [0, 3, 1, 2]) => Some(Order::Last),
                    (Order::Last, [0, 2, 3, 1]) if !constant => Some(Order::First),
                    _ => None,
                };
                if to.is_some() {
                    self.same[value.index()] = Some(x);
                }
                to.unwrap_or(Order::Last)
            }
            op if follows(op) && is_image(graph.ty(value)) => {
                let first = |&x: &Value| is_image(graph.ty(x)) && self.order(x) == Order::First;
                if node.inputs.iter().any(first) { Order::First } else { Order::Last }
            }
            _ => Order::Last,
        }
    }

    /// The order in which a value is held.
    pub(super) fn order(&self, value: Value) -> Order {
        self.orders[value.index()]
    }

    /// The value whose tensor this one's is, without a node between them.
    pub(super) fn same_as(&self, value: Value) -> Option<Value> {
        self.same[value.index()]
    }
}

/// Whether an operator can work in either order.
fn follows(op: &Op) -> bool {
    matches!(
        op,
        Op::Add(_)
            | Op::Mul(_)
            | Op::Clamp(_)
            | Op::Map(_)
            | Op::Quantize(_)
            | Op::Dequantize(_)
            | Op::Requantize(_)
            | Op::Concat(_)
            | Op::Pad(_)
            | Op::Softmax(_)
    )
}
