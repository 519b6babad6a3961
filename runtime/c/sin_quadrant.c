/* sin(x + offset * pi/2). The argument is reduced exactly, in integers, against 224 bits of 2/pi. */
static float tinyc_sin_quadrant(float x, uint32_t offset)
{
    static const uint32_t two_over_pi[8] = {0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                            0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
    const uint32_t bits = tinyc_float_bits(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t quadrant = offset;
    uint32_t sign = bits & 0x80000000u;
    float r = tinyc_float_from_bits(magnitude);
    float tail = 0.0f;
    float z, y;
    if (magnitude >= 0x7f800000u) {
        return tinyc_float_from_bits(0x7fc00000u);
    }
    if (magnitude >= 0x3f490fdbu) {
        const uint64_t mantissa = (magnitude & 0x007fffffu) | 0x00800000u;
        const uint32_t skip = (magnitude >> 23) - 120u;
        const uint32_t word = skip >> 5;
        const uint32_t shift = 32u - (skip & 31u);
        uint32_t window[3];
        uint32_t i, turns;
        uint64_t turn, product;
        for (i = 0u; i < 3u; i++) {
            const uint64_t pair = ((uint64_t)two_over_pi[word + i] << 32) | two_over_pi[word + i + 1u];
            window[i] = (uint32_t)((pair >> shift) & 0xffffffffu);
        }
        turn = ((mantissa * window[0]) << 32) + mantissa * window[1] + ((mantissa * window[2]) >> 32);
        turns = (uint32_t)((turn + 0x2000000000000000u) >> 62);
        turn -= (uint64_t)turns << 62;
        quadrant += sign != 0u ? 4u - turns : turns;
        if (turn >= 0x8000000000000000u) {
            turn = 0u - turn;
            sign ^= 0x80000000u;
        }
        i = 0u;
        while (turn < 0x8000000000000000u) {
            turn <<= 1;
            i++;
        }
        product = (turn >> 32) * 0xc90fdaa2u;
        if (product < 0x8000000000000000u) {
            product <<= 1;
            i++;
        }
        r = (float)(uint32_t)(product >> 40) * tinyc_float_from_bits((106u - i) << 23);
        tail = (float)(uint32_t)((product >> 16) & 0x00ffffffu) * tinyc_float_from_bits((82u - i) << 23);
    }
    z = r * r;
    if ((quadrant & 1u) == 0u) {
        float p = -0.00019853079f + z * 2.8328054e-6f;
        p = 0.0083333794f + z * p;
        p = -0.16666667f + z * p;
        y = r + (r * z * p + tail * (1.0f - 0.5f * z));
    } else {
        const float h = 0.5f * z;
        const float w = 1.0f - h;
        float p = -0.0013887301f + z * 2.4430661e-5f;
        p = 0.041666646f + z * p;
        y = w + (((1.0f - w) - h) + (z * z * p - r * tail));
        sign = 0u;
    }
    return tinyc_float_from_bits(tinyc_float_bits(y) ^ sign ^ ((quadrant & 2u) << 30));
}
