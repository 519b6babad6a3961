/* e^x. The same operations in the same order as the reference: identical bits. */
static float tinyc_exp(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    float t, n, head, r, tail, p, s, y;
    int32_t k;
    if (magnitude >= 0x42b17218u) {
        if (magnitude > 0x7f800000u) {
            return tinyc_float_from_bits(0x7fc00000u);
        }
        if (bits < 0x80000000u) {
            return tinyc_float_from_bits(0x7f800000u);
        }
        if (magnitude >= 0x42cff1b5u) {
            return 0.0f;
        }
    }
    t = x * 1.442695f + 12582912.0f;
    k = (int32_t)(tinyc_float_bits(t) & 0x007fffffu) - 0x00400000;
    n = t - 12582912.0f;
    head = x - n * 0.69314575f;
    r = head - n * 1.4286068e-6f;
    tail = (head - r) - n * 1.4286068e-6f;
    p = 0.008368716f + r * 0.0013818698f;
    p = 0.041668292f + r * p;
    p = 0.16666521f + r * p;
    p = 0.49999994f + r * p;
    s = 1.0f + r;
    y = s + (((1.0f - s) + r) + (r * r * p + tail));
    if (k >= -125) {
        return tinyc_float_from_bits(tinyc_float_bits(y) + ((uint32_t)k << 23));
    }
    y = tinyc_float_from_bits(tinyc_float_bits(y) + ((uint32_t)(k + 64) << 23));
    return y * 5.421011e-20f;
}
