/* 1 / (1 + e^-x). The same operations in the same order as the reference: identical bits. */
static float tinyc_sigmoid(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    float e, q;
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    e = tinyc_exp(tinyc_float_from_bits(bits | 0x80000000u));
    q = e / (1.0f + e);
    return bits >= 0x80000000u ? q : 1.0f - q;
}
