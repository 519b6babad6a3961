/* Square root, correctly rounded, in integers: one result bit per step. */
static float tinyc_sqrt(float x)
{
    const uint32_t bits = tinyc_float_bits(x);
    uint32_t mantissa = bits & 0x007fffffu;
    uint32_t root = 0u;
    uint32_t rest = 0u;
    int32_t exponent = (int32_t)((bits >> 23) & 0xffu);
    int32_t step;
    if ((bits & 0x7fffffffu) == 0u || bits == 0x7f800000u) {
        return x;
    }
    if (bits > 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    if (exponent == 0) {
        exponent = 1;
        while (mantissa < 0x00800000u) {
            mantissa <<= 1;
            exponent -= 1;
        }
    } else {
        mantissa |= 0x00800000u;
    }
    exponent += 127;
    if (((uint32_t)exponent & 1u) != 0u) {
        mantissa <<= 1;
        exponent -= 1;
    }
    mantissa <<= 7;
    for (step = 0; step < 25; step++) {
        uint32_t trial;
        rest = (rest << 2) | (mantissa >> 30);
        mantissa <<= 2;
        root <<= 1;
        trial = (root << 1) | 1u;
        if (rest >= trial) {
            rest -= trial;
            root |= 1u;
        }
    }
    root = (root >> 1) + (root & 1u);
    return tinyc_float_from_bits((((uint32_t)exponent >> 1) << 23) + root - 0x00800000u);
}
