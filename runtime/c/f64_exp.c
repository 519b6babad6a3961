/* e^x. The same operations in the same order as the reference: identical bits. */
static double tinyc_f64_exp(double x)
{
    static const double inverse_factorials[13] = {
        1.0 / 87178291200.0, 1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
        1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5,
    };
    double n, head, r, tail, p, s, y;
    int32_t k, i;
    if (x != x) {
        return tinyc_f64_float_from_bits(UINT64_C(0x7ff8000000000000));
    }
    if (x > 709.782712893384) {
        return tinyc_f64_float_from_bits(UINT64_C(0x7ff0000000000000));
    }
    if (x < -745.1332191019412) {
        return 0.0;
    }
    n = (x * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0;
    k = (int32_t)n;
    head = x - n * 0.6931471805582987;
    r = head - n * 1.6465949582897082e-12;
    tail = (head - r) - n * 1.6465949582897082e-12;
    p = 0.0;
    for (i = 0; i < 13; i++) {
        p = inverse_factorials[i] + r * p;
    }
    s = 1.0 + r;
    y = s + (((1.0 - s) + r) + (r * r * p + tail));
    if (k >= -1021) {
        return tinyc_f64_float_from_bits(tinyc_f64_float_bits(y) + ((uint64_t)(int64_t)k << 52));
    }
    y = tinyc_f64_float_from_bits(tinyc_f64_float_bits(y) + ((uint64_t)(int64_t)(k + 128) << 52));
    return y * tinyc_f64_float_from_bits(UINT64_C(895) << 52);
}
