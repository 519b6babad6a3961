/* Natural logarithm. The same operations in the same order as the reference: identical bits. */
static float tinyc_log(float x)
{
    uint32_t bits = tinyc_float_bits(x);
    int32_t k = -127;
    float n, f, s, z, h, p;
    if ((bits & 0x7fffffffu) == 0u) {
        return tinyc_float_from_bits(0xff800000u);
    }
    if (bits > 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    if (bits == 0x7f800000u) {
        return x;
    }
    if (bits < 0x00800000u) {
        bits = tinyc_float_bits(x * 16777216.f);
        k -= 24;
    }
    bits += 0x3f800000u - 0x3f3504f3u;
    k += (int32_t)(bits >> 23);
    n = (float)k;
    f = tinyc_float_from_bits((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    s = f / (2.0f + f);
    z = s * s;
    h = 0.5f * f * f;
    p = 0.39977577f + z * 0.29871053f;
    p = 0.66666776f + z * p;
    p = s * (h + z * p);
    return n * 0.69314575f + (f - (h - (p + n * 1.4286068e-6f)));
}
