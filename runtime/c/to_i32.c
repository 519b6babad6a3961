/* Integer part; saturates, NaN gives 0. */
static int32_t tinyc_to_i32(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude < 0x4f000000u) {
        return (int32_t)x;
    }
    if (magnitude > 0x7f800000u) {
        return 0;
    }
    return bits >= 0x80000000u ? INT32_MIN : INT32_MAX;
}
