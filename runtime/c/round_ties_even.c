/* Nearest integer, ties to the even one; exact for every float, the sign of zero is kept. */
static float tinyc_round_ties_even(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    float t;
    if (magnitude > 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    if (magnitude >= 0x4b000000u) {
        return x;
    }
    t = (tinyc_float_from_bits(magnitude) + 8388608.0f) - 8388608.0f;
    return tinyc_float_from_bits(tinyc_float_bits(t) | (bits & 0x80000000u));
}
