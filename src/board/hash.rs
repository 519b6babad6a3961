//! The hash with which a board and the host compare results: FNV-1a with 32 bits, which the smallest core computes
//! without a table, in Rust and as C text. It finds faults, no malice.

use tinyc_ir::{Data, Tensor};

/// A hash in the making.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fnv(u32);

impl Fnv {
    /// Of nothing.
    pub(super) const START: Self = Self(2_166_136_261);

    /// With more bytes behind.
    pub(super) fn then(self, bytes: impl IntoIterator<Item = u8>) -> Self {
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        Self(bytes.into_iter().fold(self.0, step))
    }

    /// The number.
    pub(super) fn value(self) -> u32 {
        self.0
    }
}

/// The hash of one sample's outputs, one behind the other. Any NaN counts as the same one.
pub(crate) fn of_outputs(outputs: &[Tensor]) -> u32 {
    let canonical = |x: &f32| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
    let add = |hash: Fnv, tensor: &Tensor| match &tensor.data {
        Data::F32(values) => hash.then(values.iter().flat_map(|x| canonical(x).to_le_bytes())),
        data => hash.then(data.to_le_bytes()),
    };
    outputs.iter().fold(Fnv::START, add).value()
}

/// The hash of all inputs of all samples.
pub(super) fn of_inputs(samples: &[Vec<Tensor>]) -> u32 {
    let tensors = samples.iter().flatten();
    tensors.fold(Fnv::START, |hash, tensor| hash.then(tensor.data.to_le_bytes())).value()
}

/// `hash_bytes` and `HASH_START` in C and C++: the hash with more bytes behind.
pub(crate) const BYTES_IN_C: &str = "
/* FNV-1a of 32 bits: one number that tells whether two machines computed the same bytes. */
#define HASH_START 2166136261u

static uint32_t hash_bytes(uint32_t hash, const void *data, size_t count)
{
    const uint8_t *bytes = (const uint8_t *)data;
    size_t i;
    for (i = 0; i < count; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash;
}
";

/// `hash_floats` in C and C++, of so many bytes of floats, which need [`BYTES_IN_C`].
pub(crate) const FLOATS_IN_C: &str = "
/* All NaNs are one. */
static uint32_t hash_floats(uint32_t hash, const void *data, size_t count)
{
    static const uint8_t nan[4] = {0, 0, 0xc0, 0x7f};
    const uint8_t *at = (const uint8_t *)data;
    size_t i;
    for (i = 0; i < count; i += 4, at += 4) {
        const int special = (at[3] & 0x7f) == 0x7f && (at[2] & 0x80) != 0;
        const int is_nan = special && ((at[2] & 0x7f) | at[1] | at[0]) != 0;
        hash = hash_bytes(hash, is_nan ? nan : at, 4);
    }
    return hash;
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_published_values() {
        for (text, hash) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            assert_eq!(Fnv::START.then(text.bytes()).value(), hash, "{text}");
        }
    }

    #[test]
    fn one_nan_is_another_and_zeros_have_a_sign() {
        let of = |bits: u32| of_outputs(&[Tensor::f32([1], vec![f32::from_bits(bits)])]);
        assert_eq!(of(0x7fc0_0000), of(0xffc0_0001));
        assert_ne!(of(0), of(0x8000_0000));
    }
}
