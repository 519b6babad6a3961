//! Which tensors are in memory after which layer.

use tinyc_ir::loops::{Access, Buffer, Place, Program};

/// A tensor that a traced firmware hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it lies.
    pub(super) buffer: Buffer,
    /// Its name in the optimised graph.
    pub(super) tensor: String,
}

/// For each layer the tensors that are complete once it is done: later layers may lay others over them.
pub(super) fn pieces(program: &Program) -> Vec<Vec<Piece>> {
    let mut last_writer = vec![None; program.buffers.len()];
    for (layer, call) in program.calls.iter().enumerate() {
        for (param, &buffer) in program.kernels[call.kernel].params.values().zip(&call.args) {
            if param.access != Access::Read {
                last_writer[entity_index(buffer)] = Some(layer);
            }
        }
    }
    let mut pieces = vec![Vec::new(); program.calls.len()];
    for (buffer, data) in program.buffers.iter() {
        let written = !matches!(data.place, Place::Input(_) | Place::Flash(_));
        if let (true, Some(tensor), Some(layer)) = (written, &data.tensor, last_writer[entity_index(buffer)])
        {
            pieces[layer].push(Piece { buffer, tensor: tensor.clone() });
        }
    }
    pieces
}

fn entity_index(buffer: Buffer) -> usize {
    use tinyc_ir::entity::Entity;
    buffer.index()
}
