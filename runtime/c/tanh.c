/* Hyperbolic tangent. The same operations in the same order as the reference: identical bits. */
static float tinyc_tanh(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    const float a = tinyc_float_from_bits(magnitude);
    float y;
    if (magnitude > 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    if (magnitude < 0x3f0ccccdu) {
        const float z = a * a;
        float p = 0.021050714f + z * -0.006242849f;
        p = -0.053847548f + z * p;
        p = 0.13332544f + z * p;
        p = -0.33333316f + z * p;
        y = a + a * z * p;
    } else if (magnitude < 0x41200000u) {
        y = 1.0f - 2.0f / (tinyc_exp(a + a) + 1.0f);
    } else {
        y = 1.0f;
    }
    return tinyc_float_from_bits(tinyc_float_bits(y) | (bits & 0x80000000u));
}
