/* Natural logarithm. The same operations in the same order as the reference: identical bits. */
static double tinyc_f64_log(double x)
{
    uint64_t bits = tinyc_f64_float_bits(x);
    uint32_t high;
    int32_t k = -1023;
    double n, f, s, z, h, p;
    if (bits << 1 == 0u) {
        return tinyc_f64_float_from_bits(UINT64_C(0xfff0000000000000));
    }
    if (bits > UINT64_C(0x7ff0000000000000)) {
        return tinyc_f64_float_from_bits(UINT64_C(0x7ff8000000000000));
    }
    if (bits == UINT64_C(0x7ff0000000000000)) {
        return x;
    }
    if (bits < UINT64_C(0x0010000000000000)) {
        bits = tinyc_f64_float_bits(x * 18014398509481984.0);
        k -= 54;
    }
    high = (uint32_t)(bits >> 32) + (0x3ff00000u - 0x3fe6a09eu);
    k += (int32_t)(high >> 20);
    n = (double)k;
    high = (high & 0x000fffffu) + 0x3fe6a09eu;
    f = tinyc_f64_float_from_bits((uint64_t)high << 32 | (bits & 0xffffffffu)) - 1.0;
    s = f / (2.0 + f);
    z = s * s;
    h = 0.5 * f * f;
    p = 0.15331721600556042 + z * 0.14616449685043406;
    p = 0.18182889125261723 + z * p;
    p = 0.2222221113479508 + z * p;
    p = 0.28571428625975487 + z * p;
    p = 0.39999999999899505 + z * p;
    p = 0.666666666666667 + z * p;
    p = s * (h + z * p);
    return n * 0.6931471805582987 + (f - (h - (p + n * 1.6465949582897082e-12)));
}
