/* Error function. The same operations in the same order as the reference: identical bits. */
static float tinyc_erf(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    const float a = tinyc_float_from_bits(magnitude);
    float y;
    if (magnitude > 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    if (magnitude < 0x3f600000u) {
        const float z = a * a;
        float p = -0.00080217235f + z * 7.842242e-5f;
        p = 0.0051906356f + z * p;
        p = -0.026855282f + z * p;
        p = 0.11283622f + z * p;
        p = -0.3761263f + z * p;
        p = 0.12837917f + z * p;
        y = a + a * p;
    } else if (magnitude < 0x40780000u) {
        float p = -0.00042829997f + a * 2.0562331e-5f;
        p = 0.0041412227f + a * p;
        p = -0.025041003f + a * p;
        p = 0.108159214f + a * p;
        p = 0.63345623f + a * p;
        p = 1.1294612f + a * p;
        p = -0.00016358642f + a * p;
        y = 1.0f - tinyc_exp(0.0f - p);
    } else {
        y = 1.0f;
    }
    return tinyc_float_from_bits(tinyc_float_bits(y) | (bits & 0x80000000u));
}
